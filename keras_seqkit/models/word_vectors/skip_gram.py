"""Word vectors from texts: each word predicts the words around it."""

from typing import Any

import keras

from keras_seqkit.models.word_vectors.word_vector_model import WordVectorModel


@keras.saving.register_keras_serializable(package="keras_seqkit")
class SkipGram(WordVectorModel):
    """Learns word vectors from texts: each word predicts every word of its context, by negative sampling.

    `fit` takes strings. Then `vector`, `similarity`, `most_similar` and `analogy` answer, `vectors` is the whole table,
    `wv` has gensim's names for all that, and `save_text` writes a word2vec text file, which `GloveEmbedding` and gensim
    read.

    Args:
        vocabulary: the `Vocabulary` whose words get vectors. A word that the texts do not have keeps the random small
            vector that it starts with.
        dim: the numbers of a vector.
        window: how many words to the left and to the right are a word's context, at most; in every epoch each word
            draws its own reach from 1 to `window`, so near words count more.
        negatives: how many words are drawn for each that is seen, with probabilities proportional to their counts in
            the texts to the power of 0.75. One that is the word seen does not count.
        subsample: the frequency (a fraction of all words) above which words are left out by chance: one of frequency
            f stays with probability ``sqrt(subsample / f)``. 0: none is; right for texts of a few thousand words.
        **kwargs: as in `keras.Model`.

    Call:
        words: integers (batch,); candidates: integers (batch, candidates); in a tuple, ``(words, candidates)``.

    Returns:
        float32 (batch, candidates): for each candidate the logit that it stands in the context of the word.

    Masking:
        No pair holds padding, unknown words or other reserved tokens: they are taken out of the texts before the
        windows are laid, so windows reach over the gap.

    Raises:
        TypeError: `vocabulary` is no `Vocabulary`.
        ValueError: a number is too small.

    Example:
    >>> from keras_seqkit import SkipGram, Vocabulary
    >>> texts = ["the cat drinks milk", "the dog drinks water", "a car needs fuel", "a bus needs fuel"]
    >>> model = SkipGram(Vocabulary.from_texts(texts), dim=8, window=2, subsample=0)
    >>> _ = model.fit(texts, epochs=2, verbose=0)
    >>> model.vectors.shape
    (15, 8)
    >>> len(model.most_similar("cat", top_n=3))
    3

    Source:
        Mikolov, Sutskever, Chen, Corrado and Dean (2013), Distributed representations of words and phrases and their
        compositionality, arXiv:1310.4546.
    """

    _whole_context = False

    def predict_from(self, words: Any) -> Any:
        """Returns the vectors of words (batch,): (batch, dim)."""
        return self.word_vectors(words)
