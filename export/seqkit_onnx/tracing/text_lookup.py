"""One call of a text or lookup layer, as plain data."""

from dataclasses import dataclass

from keras_seqkit.text.vocabulary.rules import TextRules

# The node that stands for a lookup until it is written.
LOOKUP_TYPE = "TextLookup"
DROPPED = 2**63 - 1  # the place of a token that counts nowhere: Keras's own


@dataclass(frozen=True)
class LookupTable:
    """What is looked up, and what is found.

    Args:
        keys: strings or integers, each once.
        values: what each gives, strings or integers.
        default: what all others give.
        refuses_others: whether all others are an error, as for `num_oov_indices=0`.
    """

    keys: tuple[str, ...] | tuple[int, ...]
    values: tuple[str, ...] | tuple[int, ...]
    default: str | int
    refuses_others: bool = False

    @property
    def gives_strings(self) -> bool:
        """Whether strings are found, else integers."""
        return isinstance(self.default, str)


@dataclass(frozen=True)
class TextLookup:
    """What a text or lookup layer was asked to do in one call.

    Args:
        name: a readable name, unique in the model.
        table: what each token is looked up in.
        rules: how a text is standardized, and split; `None`: what comes in is looked up as it is.
        splits: whether texts (texts,) become tokens (texts, tokens), each row filled up with the empty string.
        ngrams: how many neighbouring tokens are joined, one width after the other; empty: tokens stay as they are.
        pads: whether the result is filled up with 0 on the right; else no token is to count where there is none.
        length: how many tokens each text is given then; `None`: as many as the longest has.
    """

    name: str
    table: LookupTable
    rules: TextRules | None = None
    splits: bool = False
    ngrams: tuple[int, ...] = ()
    pads: bool = False
    length: int | None = None
