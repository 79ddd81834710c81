"""How many pieces a subword vocabulary may have, so that its exported file is quick.

In a file, the pieces are one regular expression of RE2 with a memory of 8 MiB, a third of it for the automaton that
reads backwards. Past that, RE2 matches without an automaton: at a tenth of the speed, with a line in the log for each
token. `pattern_size` bounds the number of that automaton's instructions from above, and RE2 asks for at most 208 bytes
for each (`DFA::DFA` in its ``dfa.cc``: room for 20 states), so 13,000 always fit.
"""

from collections.abc import Iterable, Sequence

MAX_PATTERN_SIZE = 12_000
MAX_PIECE_LENGTH = 64  # characters; RE2 nests as deep as pieces that begin each other


def pattern_size(pieces: Iterable[str]) -> int:
    """Counts what an automaton for `pieces` needs: the UTF-8 bytes of each beginning that pieces share, once.

    A piece that another one begins with counts one more.

    Example:
    >>> pattern_size(["the", "then", "é"])  # t, h, e, n; two bytes of é; "the" begins "then"
    7
    """
    pieces = set(pieces)
    beginnings = {piece[:end] for piece in pieces for end in range(1, len(piece) + 1)}
    longer = {piece[:end] for piece in pieces for end in range(1, len(piece))}
    return sum(len(beginning[-1].encode()) for beginning in beginnings) + len(pieces & longer)


def check_pieces(pieces: Sequence[str]) -> Sequence[str]:
    """Returns pieces that fit into an exported file.

    Raises:
        ValueError: one is too long, or they are too many.
    """
    longest = max(pieces, key=len, default="")
    if len(longest) > MAX_PIECE_LENGTH:
        raise ValueError(
            f"Vocabulary: a subword piece has at most {MAX_PIECE_LENGTH} characters; received one of {len(longest)}, "
            f"{longest[:20]!r}... Split it."
        )
    size = pattern_size(pieces)
    if size > MAX_PATTERN_SIZE:
        raise ValueError(
            f"Vocabulary: the pattern of all subword pieces has a size of at most {MAX_PATTERN_SIZE}, which is what "
            f"onnxruntime matches quickly; received {len(pieces)} pieces of size {size}. Pass fewer: about "
            f"max_tokens={len(pieces) * MAX_PATTERN_SIZE // size}."
        )
    return pieces
