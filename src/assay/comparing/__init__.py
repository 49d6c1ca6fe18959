"""Two revisions of this repository, side by side."""
