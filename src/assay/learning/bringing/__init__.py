"""A model that somebody else made: its files, what it is asked, and whether it is what it says."""
