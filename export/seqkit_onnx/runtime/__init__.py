"""What deployment needs: NumPy and onnxruntime, nothing else."""
