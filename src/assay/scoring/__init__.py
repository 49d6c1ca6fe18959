"""What is right for an answer: the scores of a classification."""
