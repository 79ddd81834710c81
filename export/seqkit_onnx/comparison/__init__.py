"""What Keras answers and what a file answers, side by side."""
