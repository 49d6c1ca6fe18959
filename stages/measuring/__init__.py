"""Rounds of windows on one server: what they cost, when they suffice, and how they survive a kill."""
