"""Drive NVIDIA's perf_analyzer: its input files, command lines and results."""
