"""Sections of params.yaml, what is wrong with a file, and what it chooses: plug-ins, cells of the matrix, stages."""
