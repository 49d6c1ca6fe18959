"""Which configuration to run: what counts, what must be met, who reaches the run-off, and the verdict."""
