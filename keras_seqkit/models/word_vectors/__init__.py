"""Models that learn a vector for each word: CBOW and skip-gram."""
