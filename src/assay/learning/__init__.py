"""What models are learned from, and how: datasets, raw files, model families, frameworks, training."""
