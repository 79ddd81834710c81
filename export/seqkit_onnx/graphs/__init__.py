"""The parts around a network, as ONNX: text to ids, and probabilities to a label."""
