"""Which Keras cell is which ONNX operator."""
