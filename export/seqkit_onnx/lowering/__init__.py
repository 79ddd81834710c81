"""Keras models as ONNX models: tf2onnx converts all but the recurrence, and that becomes native operators."""
