"""How a text becomes tokens, in terms that Python and a stock onnxruntime carry out alike.

A rule is two tables, not code: which characters are replaced, and which pattern a token matches. Both are
written out as explicit ranges of code points, because Python, RE2 and the C library each carry Unicode tables
of another age. The patterns use the syntax that `re` and RE2 share, and are built so that the first match
(`re`) is also the longest one (onnxruntime's Tokenizer).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

Level = Literal["word", "char", "whitespace", "subword"]
Lowercase = bool | Literal["ascii"]
PATTERN_LEVELS = ("word", "char", "whitespace")  # the rule alone splits a text; a subword one needs the tokens too
LEVELS = (*PATTERN_LEVELS, "subword")
RULES_VERSION = 1  # rises whenever some text would be split differently

# Ranges of code points, first and last included.
_APOSTROPHES = ((0x27, 0x27), (0x2019, 0x2019))
_SPACES = (
    (0x00, 0x20),  # controls and the space
    (0x7F, 0xA0),  # more controls and the no-break space
    (0xAD, 0xAD),  # soft hyphen
    (0x1680, 0x1680),
    (0x180E, 0x180E),
    (0x2000, 0x200B),
    (0x200E, 0x200F),  # directional marks
    (0x2028, 0x202F),
    (0x205F, 0x206F),
    (0x3000, 0x3000),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
)
_SINGLES = (  # punctuation, symbols, emoji and ideographs: each is a token by itself
    (0x21, 0x26),
    (0x28, 0x2F),
    (0x3A, 0x40),
    (0x5B, 0x60),
    (0x7B, 0x7E),
    (0xA1, 0xA9),
    (0xAB, 0xAC),
    (0xAE, 0xB1),
    (0xB4, 0xB4),
    (0xB6, 0xB8),
    (0xBB, 0xBF),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x37E, 0x37E),  # Greek question mark
    (0x387, 0x387),
    (0x55A, 0x55F),  # Armenian
    (0x589, 0x58A),
    (0x5BE, 0x5BE),  # Hebrew
    (0x5C0, 0x5C0),
    (0x5C3, 0x5C3),
    (0x60C, 0x60C),  # Arabic
    (0x61B, 0x61B),
    (0x61F, 0x61F),
    (0x66A, 0x66D),
    (0x6D4, 0x6D4),
    (0x964, 0x965),  # danda, of Hindi and other languages of India
    (0xE3F, 0xE3F),
    (0x104A, 0x104F),  # Burmese
    (0x1361, 0x1368),  # Ethiopic
    (0x17D4, 0x17D6),  # Khmer
    (0x17D8, 0x17DB),
    (0x2010, 0x2018),
    (0x201A, 0x2027),
    (0x2030, 0x205E),
    (0x20A0, 0x20CF),
    (0x2100, 0x2101),  # letterlike symbols
    (0x2103, 0x2106),
    (0x2108, 0x2109),
    (0x2114, 0x2114),
    (0x2116, 0x2118),
    (0x211E, 0x2123),
    (0x2190, 0x2BFF),
    (0x2E00, 0x2FFF),
    (0x3001, 0x3004),
    (0x3008, 0x3020),
    (0x3030, 0x3030),
    (0x3036, 0x3037),
    (0x303D, 0x303F),
    (0x3040, 0x30FF),  # kana
    (0x3190, 0x33FF),  # enclosed and squared ideographs
    (0x3400, 0x4DBF),  # ideographs
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFE10, 0xFE1F),
    (0xFE30, 0xFE6F),
    (0xFF01, 0xFF0F),
    (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65),
    (0xFFE0, 0xFFEE),
    (0xFFFC, 0xFFFD),
    (0x1F000, 0x1FAFF),  # emoji
    (0x20000, 0x3FFFF),  # more ideographs
)
_ASCII_SPACES = ((0x09, 0x0D), (0x20, 0x20))
_KERAS_PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"


def _ranges_inside_brackets(ranges: Iterable[tuple[int, int]]) -> str:
    def escape(code: int) -> str:
        return f"\\x{code:02x}" if code < 0x80 else chr(code)

    return "".join(escape(first) + (f"-{escape(last)}" if last > first else "") for first, last in ranges)


def _word_pattern() -> str:
    apostrophe, single = _ranges_inside_brackets(_APOSTROPHES), _ranges_inside_brackets(_SINGLES)
    space = _ranges_inside_brackets(_SPACES)
    return f"[{apostrophe}]?[^{apostrophe}{single}{space}]+|[{apostrophe}]|[{single}]"


_PATTERNS: dict[str, str | None] = {
    "word": _word_pattern(),
    "whitespace": f"[^{_ranges_inside_brackets(_ASCII_SPACES)}]+",
    "char": None,
}


@cache
def lowercase_table() -> dict[str, str]:
    """Which character has which lower-case letter: ``{"A": "a", "É": "é", ...}``, one character to one.

    The letters are those of Unicode 3.2, whose database every Python carries, so the table is the same under
    every version of Python. Unicode's stability policy keeps their case pairs as they are. Letters whose lower
    case is longer than one character (İ) stay.

    Returns:
        A dict of about 700 entries.
    """
    old = unicodedata.ucd_3_2_0

    def assigned(character: str) -> bool:
        return old.category(character) != "Cn"

    upper = (chr(code) for code in range(0x110000) if old.category(chr(code)) in ("Lu", "Lt"))
    pairs = ((character, character.lower()) for character in upper)
    return {a: b for a, b in pairs if a != b and len(b) == 1 and assigned(b)}


@dataclass(frozen=True)
class TextRules:
    """The rule that makes tokens of a text.

    Args:
        level: ``"word"``: runs of letters and digits; an apostrophe begins a new token that runs to the end of
            the word (``don't`` is ``don`` and ``'t``, ``it's`` is ``it`` and ``'s``, as GloVe has them); each
            punctuation mark, symbol, emoji and ideograph is a token by itself. ``"char"``: every code point.
            ``"whitespace"``: what stands between ASCII white space, as Keras's ``TextVectorization`` splits.
            ``"subword"``: the tokens of the vocabulary, as `SubwordSplitter` finds them; `normalize` alone is here.
        lowercase: `True` replaces the letters of `lowercase_table`, ``"ascii"`` only A to Z.
        strip_punctuation: whether ASCII punctuation is deleted first, as ``TextVectorization`` does.

    Example:
    >>> TextRules("word", lowercase=True).split("It's GREAT 😀, não é?")
    ['it', "'s", 'great', '😀', ',', 'não', 'é', '?']
    """

    level: Level = "word"
    lowercase: Lowercase = True
    strip_punctuation: bool = False

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"Vocabulary: level is one of {', '.join(LEVELS)}; received {self.level!r}.")
        if self.lowercase not in (True, False, "ascii"):
            raise ValueError(f"Vocabulary: lowercase is True, False or 'ascii'; received {self.lowercase!r}.")

    @property
    def pattern(self) -> str | None:
        """The pattern of a token, valid for `re` and RE2 alike; `None` where each character is a token.

        Raises:
            ValueError: the level is ``"subword"``, whose tokens a rule does not know.
        """
        if self.level not in _PATTERNS:
            raise ValueError(
                f"TextRules: one of the levels {', '.join(PATTERN_LEVELS)} is expected, since a subword rule does not "
                "know the pieces; received 'subword'. Call Vocabulary.split."
            )
        return _PATTERNS[self.level]

    @property
    def joiner(self) -> str:
        """What stands between two tokens in a decoded text."""
        return "" if self.level in ("char", "subword") else " "

    @property
    def leading_space(self) -> bool:
        """Whether a word's first token carries the space before it, and a text is read with one in front."""
        return self.level == "subword"

    @cached_property
    def replacements(self) -> dict[str, str]:
        """Which character is replaced before the text is split, and by what (``""``: it is deleted)."""
        table: dict[str, str] = {}
        if self.lowercase:
            table.update(lowercase_table())
        if self.lowercase == "ascii":
            table = {character: lower for character, lower in table.items() if character.isascii()}
        if self.strip_punctuation:
            table.update(dict.fromkeys(_KERAS_PUNCTUATION, ""))
        return table

    @cached_property
    def _translation(self) -> dict[int, str]:
        return {ord(character): new for character, new in self.replacements.items()}

    @cached_property
    def _find_all(self) -> Callable[[str], list[str]]:
        return list if self.pattern is None else re.compile(self.pattern).findall

    def normalize(self, text: str) -> str:
        """Returns `text` with the replacements made."""
        if text.isascii() and not self.strip_punctuation:
            return text.lower() if self.lowercase else text
        return text.translate(self._translation)

    def split(self, text: str) -> list[str]:
        """Returns the tokens of `text`, in order."""
        return self._find_all(self.normalize(text))


def usual_lowercase(level: Level, lowercase: Lowercase | None) -> Lowercase:
    """Returns `lowercase`, or what is usual where it is `None`: `True`, but `False` for subwords."""
    return level != "subword" if lowercase is None else lowercase


def common_rules(rules: Sequence[TextRules]) -> TextRules:
    """Returns the one rule that all have.

    Raises:
        ValueError: there is none, or two differ, or they are of subwords, which cannot be counted apart.
    """
    if not rules:
        raise ValueError("Vocabulary.merge: at least one vocabulary is expected; received none.")
    for other in rules[1:]:
        if other != rules[0]:
            raise ValueError(
                f"Vocabulary.merge: all split text alike; received {rules[0]} and {other}. Count them with the same "
                "level and lowercase."
            )
    if rules[0].level == "subword":
        raise ValueError(
            "Vocabulary.merge: vocabularies whose tokens were counted are expected; received level 'subword', whose "
            "pieces are learned from all texts at once. Call Vocabulary.from_texts with all texts."
        )
    return rules[0]
