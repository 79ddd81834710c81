"""Real corpora and word vectors: fetched once, checked by hash, cached."""
