"""What a model costs by itself, without a server."""
