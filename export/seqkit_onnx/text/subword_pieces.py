"""Text to subword pieces inside the graph: at each place the longest one that fits, as `SubwordSplitter` does."""

from collections.abc import Iterable

from seqkit_onnx.graph_builder import GraphBuilder

ANY_CHARACTER = r"[\x{0}-\x{10ffff}]"  # RE2; line ends too


def piece_pattern(pieces: Iterable[str]) -> str:
    r"""Returns RE2's pattern of a piece, or of one character where no piece fits.

    The Tokenizer takes the leftmost longest match, whatever the order. Sorted, beginnings that pieces share stand side
    by side, and RE2 factors them out: an automaton of a third of the size
    (`keras_seqkit.text.vocabulary.subword_limit`).

    Example:
    >>> print(piece_pattern(["the", "then", ".*"]))
    \x{2e}\x{2a}|the|then|[\x{0}-\x{10ffff}]
    """
    return "|".join([*map(_literal, sorted(pieces)), ANY_CHARACTER])


def _literal(piece: str) -> str:
    return "".join(
        character if character.isascii() and character.isalnum() else f"\\x{{{ord(character):x}}}"
        for character in piece
    )


def put_space_in_front(builder: GraphBuilder, text: str) -> str:
    """Adds what puts a space in front of each text that is not empty: string (batch,)."""
    empty, space = (
        builder.constant(value, object, name=f"text_{name}") for value, name in (("", "none"), (" ", "space"))
    )
    is_empty = builder.node("Equal", [text, empty], "is_empty")  # (batch,)
    return builder.node("StringConcat", [builder.where(is_empty, empty, space), text], "with_space")
