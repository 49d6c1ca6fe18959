"""Saturation: the highest request rate that a configuration sustains in an open loop, and how it is looked for."""
