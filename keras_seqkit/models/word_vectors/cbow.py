"""Word vectors from texts: the words around it predict each word."""

from typing import Any

import keras
from keras import ops

from keras_seqkit.models.word_vectors.word_vector_model import WordVectorModel


@keras.saving.register_keras_serializable(package="keras_seqkit")
class CBOW(WordVectorModel):
    """Learns word vectors from texts: the mean of its context predicts each word, by negative sampling.

    It has one example for each word of the texts where `SkipGram` has about ``window + 1``, so an epoch is that much
    shorter, and rare words learn less. `fit` takes strings. Then `vector`, `similarity`, `most_similar` and `analogy`
    answer, `vectors` is the whole table, `wv` has gensim's names for all that, and `save_text` writes a word2vec text
    file, which `GloveEmbedding` and gensim read.

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
        contexts: integers (batch, time), 0 where nothing stands; candidates: integers (batch, candidates); in a tuple,
        ``(contexts, candidates)``.

    Returns:
        float32 (batch, candidates): for each candidate the logit that it stands in that context.

    Masking:
        Zeros do not count in the mean. No example holds unknown words or other reserved tokens: they are taken out of
        the texts before the windows are laid, so windows reach over the gap.

    Raises:
        TypeError: `vocabulary` is no `Vocabulary`.
        ValueError: a number is too small.

    Example:
    >>> from keras_seqkit import CBOW, Vocabulary
    >>> texts = ["the cat drinks milk", "the dog drinks water", "a car needs fuel", "a bus needs fuel"]
    >>> model = CBOW(Vocabulary.from_texts(texts), dim=8, window=2, subsample=0)
    >>> _ = model.fit(texts, epochs=2, verbose=0)
    >>> model.vectors.shape
    (15, 8)
    >>> len(model.analogy("cat", "milk", "dog", top_n=3))
    3

    Source:
        Mikolov, Chen, Corrado and Dean (2013), Efficient estimation of word representations in vector space,
        arXiv:1301.3781; negative sampling: arXiv:1310.4546.
    """

    _whole_context = True

    def predict_from(self, words: Any) -> Any:
        """Returns the means of the vectors of contexts (batch, time), zeros left out: (batch, dim)."""
        x: Any = self.word_vectors(words)  # (batch, time, dim)
        stands: Any = ops.expand_dims(ops.cast(ops.not_equal(words, 0), x.dtype), -1)  # (batch, time, 1)
        count: Any = ops.maximum(ops.sum(stands, axis=1), 1)  # (batch, 1)
        return ops.divide(ops.sum(x * stands, axis=1), count)  # (batch, dim)
