"""Drives the load generator, perf_analyzer, and reads what it says."""
