"""What is read of, and changed in, a finished graph."""
