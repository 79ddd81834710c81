"""Files of word vectors: GloVe, word2vec and fastText."""
