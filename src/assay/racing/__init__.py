"""The race: which of hundreds of configurations may be the best, with few windows of each."""
