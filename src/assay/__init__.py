"""Assay: which variant of a model to run, in which configuration, and whether today's is better than yesterday's."""
