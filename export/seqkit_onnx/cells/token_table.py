"""What a text or lookup layer does in one call, as plain data."""

from dataclasses import dataclass

TABLE_TYPE = "TokenTable"  # the node that stands for one until it is written, in the domain of all placeholders


@dataclass(frozen=True)
class TokenTable:
    """Tokens and their ids, and how texts are split into tokens before they are looked up.

    Args:
        name: a readable name, unique in the model: ``"text_vectorization"``.
        keys: tokens, strings or integers.
        values: for each its id; or, where the keys are ids, its token.
        default: what any other key gives.
        split: ``"whitespace"`` or ``"character"``: texts (batch,) become ids (batch, time). `None`: each string or
            integer is looked up as it is.
        lowercase: whether A to Z are lower-cased first.
        strip_punctuation: whether ASCII punctuation is deleted first.
        ngrams: how many tokens are joined by a space, in the order of the results; empty: tokens alone.
        padding: the id behind the last token of a row.
        compact: whether what n-grams leave empty is moved behind the ids, as in ids for an embedding.
        length: the number of steps, to which rows are cut or filled up; `None`: that of the longest row.
    """

    name: str
    keys: tuple[str | int, ...]
    values: tuple[int | str, ...]
    default: int | str
    split: str | None = None
    lowercase: bool = False
    strip_punctuation: bool = False
    ngrams: tuple[int, ...] = ()
    padding: int = 0
    compact: bool = True
    length: int | None = None
