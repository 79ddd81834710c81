"""Lists of subword pieces that try what regular expressions and texts have: for the suites of Python and the graph."""

from hypothesis import strategies as st

from keras_seqkit.text.vocabulary import RESERVED_TOKENS
from tests.text_strategies import UNUSUAL, character

META = [
    ".",
    ".*",
    "[a-z]",
    "(",
    ")",
    "a|b",
    "|",
    "^",
    "$",
    "\\",
    "\\d",
    "\\x{41}",
    "\\Q",
    "\\E",
    "{2}",
    "a{2}",
    "?",
    "+",
]
METAS = [*META, "(?s:.)", "(?i)", "]", "[^", "-", "#", "&&", "~", "\n", "\r\n", "\0", "\x01", "\x7f", "\x85", "\u2028"]
PREFIXES = [
    "a",
    "aa",
    "aaa",
    "aaaaaaaa",
    "ab",
    "abc",
    "abcd",
    " a",
    " ab",
    " abc",
    "  ",
    "   ",
    " ",
    "a b",
    "a b c",
    "b a ",
]
piece = st.one_of(
    st.sampled_from([*METAS, *PREFIXES, *UNUSUAL]),
    st.text(character, min_size=1, max_size=5),
    st.text(st.sampled_from("ab "), min_size=1, max_size=5),
    st.builds(lambda text: f" {text}", st.text(character, min_size=1, max_size=3)),
)
piece_lists = st.lists(piece.filter(lambda text: text not in RESERVED_TOKENS), max_size=20, unique=True)
