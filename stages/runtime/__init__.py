"""How a stage runs: where files are, how they are written, how it ends."""
