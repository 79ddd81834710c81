"""Text to ids, ids to text, and scores to labels, as ONNX."""
