"""How a program runs: the workspace, processes, signals, files, and what the environment may decide."""
