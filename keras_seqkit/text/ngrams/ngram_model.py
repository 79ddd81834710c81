"""A language model that counts n-grams."""

import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from keras_seqkit.text.continuation import Continuation
from keras_seqkit.text.ngram_arguments import Smoothing, check_model, known_ids, list_of_texts, whole_number
from keras_seqkit.text.ngrams.kneser_ney import kneser_ney, maximum_likelihood
from keras_seqkit.text.ngrams.ngram_file import load_arrays, save_arrays
from keras_seqkit.text.ngrams.ngram_tables import NGramTables, count_ngrams, sentence_stream
from keras_seqkit.text.ngrams.token_draw import TokenDraw
from keras_seqkit.text.validation import check_texts
from keras_seqkit.text.vocabulary import END_ID, UNKNOWN_ID, Vocabulary
from keras_seqkit.text.vocabulary.rules import Level


class NGramModel:
    """A language model that counts: each token depends on the `order` - 1 tokens before it.

    A text is a sentence. It is preceded by `order` - 1 times ``[START]`` and followed by one ``[END]``, which is
    predicted as every token is; ``[START]`` and ``[PAD]`` are not. A token outside the vocabulary is ``[UNK]``.
    After any context, the probabilities of all the other tokens of the vocabulary, ``[UNK]`` and ``[END]`` among
    them, add up to 1. Every natural logarithm is in nats a token: divide by ``log(2)`` for bits.

    ``"kneser_ney"`` is interpolated, modified Kneser-Ney. From each count a discount is taken, and what was taken
    is spread as the n-grams shorter by one token say; the unigrams are interpolated with one equal share for each
    token. Below the order itself, an n-gram's count is the number of different tokens it was seen after; where it
    begins with ``[START]``, how often it was seen. A context never seen is left out, for the one shorter by a token.

    Args:
        order: the length of the n-grams: 1 for unigrams, 2 for bigrams, and so on.
        vocabulary: the tokens that the model knows; `None`: all those of the texts in `fit`, lower-cased.
        level: what a token is: ``"word"``, ``"char"`` or ``"whitespace"``; `None`: as the vocabulary has it, and
            ``"word"`` where there is none.
        discount: a number between 0 and 1 that is taken off every count, 0.75 being the textbook's; `None`: three
            numbers for each length (for counts of 1, of 2, and above) that the counts of counts give. Where these
            are undefined or not above 0, one number (plain Kneser-Ney) or, in the end, 0.5: see `discounts`.
        smoothing: ``"kneser_ney"``; or ``"none"``: maximum likelihood, which gives a text that holds an n-gram
            never seen the probability 0.

    Raises:
        TypeError: `order` is no integer, `vocabulary` no `Vocabulary`, or `discount` no number.
        ValueError: `order` is below 1, `discount` is not between 0 and 1, or belongs to no smoothing, or a word is
            none of those above.

    Example:
    >>> model = NGramModel(2, smoothing="none").fit(["a cat sat", "a dog sat", "the dog ran"])
    >>> np.exp(model.log_prob(["the dog sat"])).round(6).tolist()  # 1/3 x 1 x 1/2 x 1
    [0.166667]
    >>> smooth = NGramModel(2).fit(["a cat sat", "a dog sat", "the dog ran"])
    >>> smooth.perplexity(["the dog sat"]) < smooth.perplexity(["the cat ran"]) < smooth.perplexity(["ran the a"])
    True
    >>> smooth.generate("the", temperature=0)
    ['the dog sat']

    Source:
        R. Kneser, H. Ney: Improved backing-off for M-gram language modeling. ICASSP 1995.
        S. F. Chen, J. Goodman: An empirical study of smoothing techniques for language modeling. Computer Speech
        and Language 13, 1999. Sentences and perplexity as in D. Jurafsky, J. H. Martin: Speech and Language
        Processing, chapter 3.
    """

    def __init__(
        self,
        order: int,
        vocabulary: Vocabulary | None = None,
        level: Level | None = None,
        discount: float | None = None,
        smoothing: Smoothing = "kneser_ney",
    ):
        check_model(vocabulary, level, discount, smoothing)
        self.order = whole_number("NGramModel: order", order, 1)
        self.level: Level | None = level
        self.discount = discount
        self.smoothing = smoothing
        self._makes_vocabulary = vocabulary is None
        self._vocabulary = vocabulary
        self._tables: NGramTables | None = None
        self._discounts = np.zeros((self.order, 3))

    def fit(self, texts: Iterable[str]) -> "NGramModel":
        """Counts the n-grams of some texts; what was counted before is forgotten.

        Args:
            texts: strings, a sentence each; one string counts as a list of one.

        Returns:
            The model itself.

        Raises:
            TypeError: `texts` holds something that is not a string.
            ValueError: there is no text, or a text holds a lone surrogate.
        """
        texts = list_of_texts(texts, "NGramModel.fit: texts")
        if not texts:
            raise ValueError("NGramModel.fit: at least one text is expected; received none.")
        vocabulary = self._vocabulary
        if vocabulary is None or self._makes_vocabulary:
            vocabulary = Vocabulary.from_texts(texts, self.level or "word")
        size = len(vocabulary)
        levels = count_ngrams(sentence_stream(vocabulary.encode_rows(texts)), self.order, size)
        if self.smoothing == "none":
            tables, self._discounts = maximum_likelihood(levels, size)
        else:
            tables, self._discounts = kneser_ney(levels, size, self.discount)
        self._vocabulary = vocabulary
        self._tables = NGramTables(tables, size)
        return self

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens that the model knows; there are none before `fit` where it makes the vocabulary."""
        return self._vocabulary or self._fitted("vocabulary")[0]

    @property
    def discounts(self) -> np.ndarray:
        """What was taken off counts of 1, of 2, and above, for each length: float64 (order, 3)."""
        self._fitted("discounts")
        return self._discounts.copy()

    def token_log_probs(self, texts: Iterable[str]) -> list[np.ndarray]:
        """Gives the logarithm of each token's probability after the tokens before it.

        Args:
            texts: strings, a sentence each; one string counts as a list of one.

        Returns:
            For each text, float64 (time + 1,): an entry for each token, and the last for ``[END]``.

        Raises:
            TypeError: `texts` holds something that is not a string.
            ValueError: a text holds a lone surrogate.
            RuntimeError: `fit` was not called.
        """
        log_probs, lengths = self._log_probs(texts, "token_log_probs")
        return np.split(log_probs, np.cumsum(lengths)[:-1]) if lengths else []

    def log_prob(self, texts: Iterable[str]) -> np.ndarray:
        """Gives the logarithm of each text's probability, ``[END]`` counted in.

        Args:
            texts: strings, a sentence each; one string counts as a list of one.

        Returns:
            float64 (batch,): natural logarithms, ``-inf`` for probability 0.

        Raises:
            TypeError: `texts` holds something that is not a string.
            ValueError: a text holds a lone surrogate.
            RuntimeError: `fit` was not called.
        """
        log_probs, lengths = self._log_probs(texts, "log_prob")
        return np.add.reduceat(log_probs, np.cumsum([0, *lengths[:-1]])) if lengths else log_probs  # (batch,)

    def perplexity(self, texts: Iterable[str]) -> float:
        """Gives ``exp(-nats / tokens)`` over all texts together, each ``[END]`` counted as a token.

        Args:
            texts: strings, a sentence each; one string counts as a list of one.

        Returns:
            The perplexity, ``inf`` where a text has probability 0.

        Raises:
            TypeError: `texts` holds something that is not a string.
            ValueError: there is no text, or a text holds a lone surrogate.
            RuntimeError: `fit` was not called.
        """
        log_probs, _ = self._log_probs(texts, "perplexity")
        if not len(log_probs):
            raise ValueError("NGramModel.perplexity: at least one text is expected; received none.")
        return float(np.exp(-log_probs.mean()))

    def next_token_probs(self, context: str | ArrayLike) -> np.ndarray:
        """Gives the probability of every token after the beginning of a sentence.

        Args:
            context: the sentence so far, a string or the ids of its tokens (time,); padding is left out.

        Returns:
            float64 (vocab,), by id; 0 for ``[PAD]`` and ``[START]``.

        Raises:
            TypeError: `context` is neither a string nor integers.
            ValueError: an id is outside the vocabulary; or, without smoothing, the context was never seen.
            RuntimeError: `fit` was not called.
        """
        vocabulary, tables = self._fitted("next_token_probs")
        if isinstance(context, str):
            ids = vocabulary.encode_rows(check_texts([context], "NGramModel.next_token_probs: context"))[0]
        else:
            ids = known_ids(context, len(vocabulary))
        return self._distribution(tables, tables.state_after(ids), "next_token_probs")

    def generate(
        self,
        prompts: str | Iterable[str] = "",
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """Continues texts, token by token; ``[UNK]`` is never drawn.

        Args:
            prompts: the beginnings of sentences; one string counts as a list of one.
            max_new_tokens: where a text stops, unless ``[END]`` comes first or only ``[UNK]`` could follow.
            temperature: probabilities are raised to ``1 / temperature``; 0: always the most probable token.
            top_k: only so many of the most probable tokens are drawn from; 0: all.
            top_p: only the most probable tokens that together reach this probability are drawn from; 1: all.
            seed: at least 0. A text depends on its prompt, its row and the seed, not on the other prompts.

        Returns:
            A list of texts: each prompt as it was, and the new tokens.

        Raises:
            TypeError: `prompts` holds something that is not a string, or a number is none.
            ValueError: a prompt holds a lone surrogate, a number is outside its range, or, without smoothing, the
                end of a prompt was never seen.
            RuntimeError: `fit` was not called.

        Example:
        >>> NGramModel(2).fit(["so it goes", "so it ends"]).generate(["so", ""], temperature=0, max_new_tokens=1)
        ['so it', 'so']
        """
        vocabulary, tables = self._fitted("generate")
        prompts = list_of_texts(prompts, "NGramModel.generate: prompts")
        limit = whole_number("NGramModel.generate: max_new_tokens", max_new_tokens, 0)
        seed = whole_number("NGramModel.generate: seed", seed, 0)
        draw = TokenDraw(temperature, top_k, top_p)
        texts = []
        for row, prompt in enumerate(prompts):
            random = np.random.default_rng([seed, row])
            written = Continuation(vocabulary, prompt)
            written.extend(self._continue(tables, vocabulary.encode_rows([prompt])[0], limit, draw, random))
            texts.append(written.text())
        return texts

    def _continue(
        self, tables: NGramTables, prompt: list[int], limit: int, draw: TokenDraw, random: np.random.Generator
    ) -> list[int]:
        state, ids = tables.state_after(prompt), []
        for _ in range(limit):
            probabilities = self._distribution(tables, state, "generate")  # (vocab,)
            probabilities[UNKNOWN_ID] = 0.0
            token = draw(probabilities, random.random()) if probabilities.any() else END_ID
            if token == END_ID:
                break
            ids.append(token)
            _, state = tables.read(np.array([token]), state)
        return ids

    def _distribution(self, tables: NGramTables, state: np.ndarray, method: str) -> np.ndarray:
        probabilities = tables.distribution(state)  # (vocab,)
        if not probabilities.any():
            raise ValueError(
                f"NGramModel.{method}: without smoothing, a context is one that the texts of fit continue; received "
                "one that they do not. Use smoothing='kneser_ney', or another context."
            )
        return probabilities

    def _log_probs(self, texts: Iterable[str], method: str) -> tuple[np.ndarray, list[int]]:
        vocabulary, tables = self._fitted(method)
        rows = vocabulary.encode_rows(list_of_texts(texts, f"NGramModel.{method}: texts"))
        with np.errstate(divide="ignore"):  # the logarithm of 0 is -inf
            log_probs = np.log(tables.stream_probabilities(sentence_stream(rows)))  # (time,)
        return log_probs, [len(row) + 1 for row in rows]

    def _fitted(self, method: str) -> tuple[Vocabulary, NGramTables]:
        if self._tables is None or self._vocabulary is None:
            raise RuntimeError(f"NGramModel.{method}: the model has counted no texts. Call fit(texts) first.")
        return self._vocabulary, self._tables

    def save(self, path: str | os.PathLike) -> None:
        """Writes the model as NumPy arrays; an old file is replaced only when the new one is whole.

        Raises:
            RuntimeError: `fit` was not called.
        """
        vocabulary, tables = self._fitted("save")
        config = {"order": self.order, "discount": self.discount and float(self.discount), "smoothing": self.smoothing}
        save_arrays(path, {**config, "vocabulary": vocabulary.get_config()}, tables, self._discounts)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "NGramModel":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no n-gram model, is cut, or was written by a version that is not known.
        """
        config, tables, discounts = load_arrays(path)
        vocabulary = Vocabulary.from_config(config.pop("vocabulary"))
        model = cls(vocabulary=vocabulary, **config)
        model._tables, model._discounts = NGramTables(tables, len(vocabulary)), discounts
        return model
