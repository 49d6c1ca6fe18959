"""A model's answers to files that a person names."""
