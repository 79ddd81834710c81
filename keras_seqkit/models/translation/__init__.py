"""Models that read a sentence and write another."""
