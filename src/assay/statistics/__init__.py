"""Intervals, when to stop, and which differences are real."""
