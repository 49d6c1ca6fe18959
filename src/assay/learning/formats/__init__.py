"""Raw files: whether they are the right ones, and how each format is read."""
