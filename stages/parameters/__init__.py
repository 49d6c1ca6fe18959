"""What params.yaml may say, and the matrix of cells that it describes."""
