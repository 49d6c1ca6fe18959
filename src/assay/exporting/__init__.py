"""From a trained model to ONNX: variants, and the compression that they share."""
