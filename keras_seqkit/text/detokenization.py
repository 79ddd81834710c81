"""Words joined to a sentence as people write it: spaces, and capital letters."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from keras_seqkit.text.validation import check_texts
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, Vocabulary

SILENT_IDS = (PADDING_ID, START_ID, END_ID)
SENTENCE_ENDS = frozenset(".!?")


class Detokenizer(NamedTuple):
    """How each word of a vocabulary is written: tables, which an exported file carries as well.

    Args:
        forms: for each id, how the word is written inside a sentence.
        first_forms: for each id, how it is written where a sentence begins.
        glued_before: for each id, whether no space stands before it.
        glued_after: for each id, whether no space stands after it.
        ends_sentence: for each id, whether a sentence begins after it.

    Example:
    >>> vocabulary = Vocabulary.from_texts(["The cat sat, and Ann ran.", "Does Ann see (the cat)?"])
    >>> detokenizer = Detokenizer.from_texts(vocabulary, ["The cat sat, and Ann ran.", "Does Ann see (the cat)?"])
    >>> detokenizer.join(vocabulary.encode(["ANN sat (THE CAT), and ran. does ann ?"])[0])
    'Ann sat (the cat), and ran. Does Ann?'

    Source:
        Lita et al. (2003), tRuEcasIng: each word gets the form that it mostly had.
    """

    forms: list[str]
    first_forms: list[str]
    glued_before: list[bool]
    glued_after: list[bool]
    ends_sentence: list[bool]

    @classmethod
    def from_texts(cls, vocabulary: Vocabulary, texts: Iterable[str]) -> "Detokenizer":
        """Learns from sentences as people wrote them.

        Args:
            vocabulary: a vocabulary of words, lower-cased or not.
            texts: the sentences.

        Raises:
            TypeError: `texts` is one string, or holds something that is not a string.
            ValueError: the vocabulary's tokens are no words.
        """
        rules = vocabulary.rules
        if rules.level != "word":
            raise ValueError(f"Detokenizer: level 'word' is expected; received {rules.level!r}, which joins by itself.")
        seen = _Seen()
        find_all, token_of = re.compile(str(rules.pattern)).finditer, cache(lambda form: rules.split(form)[:1])
        for text in check_texts(texts, "Detokenizer.from_texts: texts"):
            seen.add(_written_words(find_all(text), token_of))
        starts_capital = 2 * seen.capital_starts > seen.starts
        tokens = vocabulary.tokens
        forms = [seen.usual_form(token) for token in tokens]
        silent = [index in SILENT_IDS for index in range(len(tokens))]
        glued_before, glued_after = (
            [quiet or seen.mostly(counts, token) for quiet, token in zip(silent, tokens, strict=True)]
            for counts in (seen.glued_before, seen.glued_after)
        )
        ends = [quiet or token in SENTENCE_ENDS for quiet, token in zip(silent, tokens, strict=True)]
        first_forms = [_capitalized(form) if starts_capital else form for form in forms]
        return cls(forms, first_forms, glued_before, glued_after, ends)

    def join(
        self,
        ids: Iterable[int],
        copies: Mapping[int, str] | None = None,
        *,
        before: int = PADDING_ID,
        spaced: bool = False,
    ) -> str:
        """Joins the words of a sentence.

        Args:
            ids: integers (time,); padding, start and end are silent.
            copies: for places in it, what is written there instead.
            before: the word that they follow, where they go on from others; 0: none.
            spaced: whether a space stands behind it already.

        Returns:
            The text. Where it goes on from other words, it begins with the space behind them, if one belongs there.
        """
        parts = []
        for place, index in enumerate(int(index) for index in ids):
            if index in SILENT_IDS:
                continue
            form = (self.first_forms if self.ends_sentence[before] else self.forms)[index]
            space = "" if spaced or self.glued_after[before] or self.glued_before[index] else " "
            parts.append(space + (copies or {}).get(place, form))
            before, spaced = index, False
        return "".join(parts)

    def get_config(self) -> dict[str, Any]:
        """Returns the tables as plain data."""
        return self._asdict()


class _Word(NamedTuple):
    token: str  # as the vocabulary has it
    form: str  # as it was written
    glued: bool  # no space before it


class _Seen:
    """What was counted in texts."""

    def __init__(self):
        self.forms: dict[str, Counter] = defaultdict(Counter)
        self.glued_before: dict[str, Counter] = defaultdict(Counter)
        self.glued_after: dict[str, Counter] = defaultdict(Counter)
        self.starts = 0
        self.capital_starts = 0

    def add(self, words: Sequence[_Word]) -> None:
        before = None
        for word in words:
            starts = before is None or before.token in SENTENCE_ENDS
            if starts and word.form[:1].isalpha():
                self.starts += 1
                self.capital_starts += word.form[:1].isupper()
            if not starts:
                self.forms[word.token][word.form] += 1
            if before is not None:
                # A mark has its say about the space before it, and about the one after it where a word follows.
                by_itself = word.token[:1].isalnum()
                side, token = (self.glued_after, before.token) if by_itself else (self.glued_before, word.token)
                side[token][word.glued] += 1
            before = word

    def usual_form(self, token: str) -> str:
        forms = self.forms.get(token)
        return forms.most_common(1)[0][0] if forms else token

    @staticmethod
    def mostly(counts: dict[str, Counter], token: str) -> bool:
        found = counts.get(token, Counter())
        return found[True] > found[False]


def _written_words(found: Iterable[re.Match], token_of: Callable[[str], list[str]]) -> list[_Word]:
    """Lists the words of a text as they were written, beside what the vocabulary makes of them, if anything."""
    words, end = [], 0
    for match in found:
        words += [_Word(token, match[0], match.start() == end) for token in token_of(match[0])]
        end = match.end()
    return words


def _capitalized(form: str) -> str:
    return form[:1].upper() + form[1:] if len(form[:1].upper()) == 1 else form
