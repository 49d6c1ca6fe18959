"""What variants share when they make a model smaller."""
