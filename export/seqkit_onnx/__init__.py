"""Text in, text out: exports Keras models to one ONNX file, and runs it."""
