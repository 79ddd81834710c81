"""An embedding that starts from pretrained word vectors."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_seqkit.text.limits import MAX_WIDTH, check_limit, check_numbers
from keras_seqkit.text.vectors.word_vectors import WordVectors, read_ngram_vectors, read_vectors
from keras_seqkit.text.vocabulary import RESERVED_TOKENS

_OOV = ("zeros", "normal", "mean", "ngrams")
_OOV_SEED = 0
_SET_HERE = ("weights", "embeddings_initializer", "input_dim")


@dataclass(frozen=True)
class Coverage:
    """Which tokens have a vector. Row 0, the padding, is not counted.

    Attributes:
        found: The tokens that have one, in the order of the vocabulary.
        missing: The tokens that have none of their own, also where `oov` makes one for them.

    Example:
        >>> print(Coverage(found=["sun", "moon"], missing=["mars"]))
        2 of 3 tokens (66.7 %)
    """

    found: list[str]
    missing: list[str]

    @property
    def fraction(self) -> float:
        """Found tokens divided by all tokens; 0 where there are none."""
        return len(self.found) / max(len(self.found) + len(self.missing), 1)

    def __str__(self) -> str:
        total = len(self.found) + len(self.missing)
        return f"{len(self.found):,} of {total:,} tokens ({self.fraction:.1%})".replace("%", " %")


@keras.saving.register_keras_serializable(package="keras_seqkit")
class GloveEmbedding(keras.layers.Embedding):
    """A `keras.layers.Embedding` that starts from pretrained word vectors (GloVe, word2vec, fastText).

    Row `i` of the table is the vector of token `i`. Row 0 is the padding and always starts as zeros. Only the
    rows that the vocabulary needs are read, so memory grows with the vocabulary and not with the file; see
    `keras_seqkit.text.vectors.word_vectors.read_vectors` for the formats and for what is an error in a file. Tokens
    are looked up as they are: no lower-casing, no stemming.

    Args:
        vocabulary_or_tokens: A `keras_seqkit.Vocabulary`, or any sequence of tokens in the order of their ids. The
            first one is the padding (`"[PAD]"`, `"<pad>"`, `""`), whose row is zeros; where it is a word, it has its
            vector like any other.
        vectors: The path of a text file, or of a binary one of word2vec or fastText (plain, gzip, or a zip with
            one member; `"archive.zip::member.txt"` or `(archive, member)` choose one), gensim `KeyedVectors`, a
            `SkipGram` or `CBOW`, or a mapping from token to vector.
        trainable: Whether training changes the table.
        mask_zero: Whether id 0 is masked.
        oov: The row of a token that has no vector, `[UNK]` and the like included: `"zeros"`; `"normal"`,
            drawn with the mean and standard deviation of each dimension of the found vectors, the same on
            every run; `"mean"`, the mean of the found vectors; `"ngrams"`, made of the character n-grams of a
            fastText file (`.bin`), and zeros for the reserved tokens of a `Vocabulary` and for what is too short to
            have any.
        normalize: Scale each found vector to length 1, before `oov` looks at them. Zero vectors stay zero.
        output_dim: Leave it out: the vectors have it. Given with `vectors`, it must be theirs.
        missing: Leave it out. `get_config` puts the ids of the tokens without a vector here.
        **kwargs: Any other argument of `keras.layers.Embedding`: `name`, `dtype`, `embeddings_regularizer`,
            `embeddings_constraint`, ...

    Call arguments:
        ids: Integer tensor `(batch, time)`.

    Returns:
        `(batch, time, dim)` in the compute dtype.

    Masking:
        With `mask_zero`, `ids != 0`, `(batch, time)`. Without, none.

    Saving:
        `get_config` keeps the tokens and drops `vectors` (it gives `None`), and a `.keras` file holds the
        table, so it loads without the vector file. A layer made from a config alone, as
        `keras.models.clone_model` does, has the right shape and a table of NaN until its weights are loaded
        or set: forgetting that shows at once, where zeros would pass for vectors.

    Attributes:
        coverage: Which tokens have a vector: `.found`, `.missing`, `.fraction`; prints as
            `18,204 of 20,000 tokens (91.0 %)`.

    Raises:
        ValueError: `oov` is unknown; the vocabulary is empty; `output_dim` is not that of the vectors, or the table
            would be too large; the vectors are malformed (with the line's number); neither `vectors`
            nor `output_dim` is given; no token is found and `oov` needs some.
        FileNotFoundError: There is no such file.

    Example:
        >>> import numpy as np
        >>> layer = GloveEmbedding(["[PAD]", "[UNK]", "sun", "moon"], {"sun": [3.0, 4.0], "moon": [0.0, 2.0]})
        >>> tuple(layer(np.array([[2, 3, 1, 0]])).shape)
        (1, 4, 2)
        >>> print(layer.coverage)
        2 of 3 tokens (66.7 %)

    Source: Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", 2014.
    """

    def __init__(
        self,
        vocabulary_or_tokens: Any,
        vectors: Any = None,
        trainable: bool = False,
        mask_zero: bool = True,
        oov: str = "zeros",
        normalize: bool = False,
        output_dim: int | None = None,
        missing: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        for name in _SET_HERE:
            if name in kwargs:
                raise ValueError(
                    f"GloveEmbedding: {name} comes from the vocabulary and the vectors. Leave it out, or use "
                    "keras.layers.Embedding."
                )
        if oov not in _OOV:
            raise ValueError(f"GloveEmbedding: oov is {oov!r}, expected one of {_OOV}.")
        tokens = _checked_tokens(vocabulary_or_tokens)
        table = None
        if vectors is not None:
            found = read_vectors(vectors, tokens)
            if output_dim is not None and output_dim != found.dim:
                raise ValueError(
                    f"GloveEmbedding: vectors have {found.dim} dimensions, output_dim is {output_dim}. Leave "
                    f"output_dim out, or pass a {output_dim}-dimensional file."
                )
            _check_size(tokens, found.dim)
            missing = sorted(set(range(_first_word(tokens), len(tokens))) - set(found.rows.tolist()))
            if oov == "ngrams":
                found = _with_ngrams(found, vectors, tokens, missing)
            table = _make_table(found, tokens, oov, normalize)  # (vocab, dim)
            output_dim = found.dim
        elif output_dim is None:
            raise ValueError(
                "GloveEmbedding: vectors is None, and so is output_dim. Pass vectors; only get_config leaves them out, "
                "and it gives output_dim."
            )
        _check_size(tokens, output_dim)
        if mask_zero and not _first_word(tokens):
            warnings.warn(
                f"GloveEmbedding: {tokens[0]!r} has id 0, which mask_zero masks. Put the padding in front, "
                'GloveEmbedding(["[PAD]", *tokens], ...) with ids that begin with 1, or pass mask_zero=False.',
                stacklevel=2,
            )
        not_loaded: Any = keras.initializers.Constant(float("nan"))
        super().__init__(
            input_dim=len(tokens),
            output_dim=output_dim,
            embeddings_initializer=not_loaded,
            mask_zero=mask_zero,
            trainable=trainable,
            weights=table,
            **kwargs,
        )
        self.tokens = tokens
        self.oov = oov
        self.normalize = normalize
        self.missing = [int(row) for row in missing or ()]

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Looks up vectors; see the class."""
        if any(_is_text(each) for each in keras.tree.flatten(inputs)):
            raise TypeError(
                "GloveEmbedding: it takes ids (batch, time), the rows of its tokens; received texts. Encode them: "
                "vocabulary.encode(texts)."
            )
        return super().__call__(inputs, *args, **kwargs)

    @property
    def coverage(self) -> Coverage:
        """Which tokens have a vector."""
        missing = set(self.missing)
        words = range(_first_word(self.tokens), len(self.tokens))
        return Coverage(
            found=[self.tokens[row] for row in words if row not in missing],
            missing=[self.tokens[row] for row in words if row in missing],
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with `vectors` dropped; see Saving."""
        config = super().get_config()
        del config["input_dim"], config["embeddings_initializer"]
        return {
            **config,
            "vocabulary_or_tokens": list(self.tokens),
            "vectors": None,
            "oov": self.oov,
            "normalize": self.normalize,
            "missing": list(self.missing),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GloveEmbedding":
        """Returns the layer that `get_config` described; no file is read.

        Raises:
            ValueError: the config has `vectors`: a saved model must not choose what is read where it is loaded.
        """
        if config.get("vectors") is not None:
            raise ValueError(
                "GloveEmbedding: a config has vectors=None, for the table is among the saved weights; received "
                f"{config['vectors']!r:.80}. To read vectors, call GloveEmbedding(vocabulary, vectors)."
            )
        return super().from_config(config)


def _is_text(each: Any) -> bool:
    """Whether it is a string, or an array or a tensor of strings."""
    dtype = getattr(each, "dtype", None)
    return (
        isinstance(each, (str, bytes))
        or getattr(dtype, "kind", "") in tuple("OUS")
        or (getattr(dtype, "name", "") == "string")
    )


def _checked_tokens(vocabulary: Any) -> list[str]:
    """Returns a vocabulary's tokens as a list."""
    tokens = getattr(vocabulary, "tokens", vocabulary)
    if isinstance(tokens, str) or not isinstance(tokens, Sequence) or not all(isinstance(t, str) for t in tokens):
        raise ValueError(
            "GloveEmbedding: expected vocabulary to be a Vocabulary or a sequence of str, received "
            f"{type(vocabulary).__name__}. Pass the tokens in the order of their ids."
        )
    if not tokens:
        raise ValueError("GloveEmbedding: the vocabulary is empty. Expected the padding token and then the others.")
    return list(tokens)


def _check_size(tokens: Sequence[str], dim: int) -> None:
    check_limit("GloveEmbedding", "output_dim", dim, MAX_WIDTH)
    check_numbers("GloveEmbedding", "the table", len(tokens), dim)


def _first_word(tokens: Sequence[str]) -> int:
    """Returns the id of the first token that is not the padding."""
    return 1 if re.fullmatch(r"|[<\[_]*pad[>\]_]*", tokens[0], re.IGNORECASE) else 0


def _with_ngrams(found: WordVectors, vectors: Any, tokens: list[str], missing: list[int]) -> WordVectors:
    """Returns the vectors that were found, and those that n-grams make for words without one."""
    rows = np.array([row for row in missing if tokens[row] not in RESERVED_TOKENS], dtype=np.int64)
    made = read_ngram_vectors(vectors, [tokens[row] for row in rows.tolist()])
    return WordVectors(
        np.concatenate([found.matrix, made.matrix]), np.concatenate([found.rows, rows[made.rows]]), found.dim
    )


def _make_table(found: WordVectors, tokens: list[str], oov: str, normalize: bool) -> np.ndarray:
    """Returns the table, float32 (vocab, dim), with a row for each token."""
    words = found.rows >= _first_word(tokens)
    vectors, rows = found.matrix[words], found.rows[words]  # (found, dim), (found,)
    if normalize:
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)  # (found, 1)
        vectors = (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    table = np.zeros((len(tokens), found.dim), dtype=np.float32)  # (vocab, dim)
    if oov in ("normal", "mean"):
        if not len(rows):
            raise ValueError(
                f"GloveEmbedding: no token of the vocabulary has a vector, so oov={oov!r} has nothing to start from. "
                'Check that both are of the same language and case, or pass oov="zeros".'
            )
        table[:] = vectors.mean(axis=0, dtype=np.float64)
        if oov == "normal":
            draws = np.random.default_rng(_OOV_SEED).standard_normal(table.shape)
            table += (draws * vectors.std(axis=0, dtype=np.float64)).astype(np.float32)
    table[rows] = vectors
    table[: _first_word(tokens)] = 0
    return table
