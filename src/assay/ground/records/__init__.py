"""The shapes of the JSON files that pass between stages, and how one is read that may be damaged.

DVC makes a file anew that is not as a stage left it. Who runs a stage by hand, merges, or edits
has no such help: whatever is read is checked, and what is wrong is named with what mends it.
"""
