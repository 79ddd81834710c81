"""A Keras model as a graph in which each native recurrence is a placeholder: TensorFlow and tf2onnx are known here."""
