"""The schema of all of params.yaml, which knows the section of every plug-in."""
