"""Arrays, a model's inputs and outputs, and an ONNX file: its answer, its costs."""
