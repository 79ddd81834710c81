"""Loops around a step, as ONNX: the graphs of generators and translators."""
