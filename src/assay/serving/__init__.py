"""Starts, configures and asks the Triton server, of whatever kind."""
