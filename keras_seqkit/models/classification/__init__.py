"""Models that tell what a text is: labels or a number."""
