"""Arrays by name, a model's signature, and an ONNX file: its answer, its costs, whether it may be batched."""
