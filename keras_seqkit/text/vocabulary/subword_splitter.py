"""Text to pieces: at each place the longest one that fits."""

import re
from collections.abc import Iterable

from keras_seqkit.text.vocabulary.rules import TextRules

_WORDS = re.compile(" [^ ]*").findall  # of a text that begins with a space
_MOST_KNOWN_WORDS = 2**16
_LONGEST_KNOWN_WORD = 64


class SubwordSplitter:
    """Splits texts into the pieces of a subword vocabulary.

    A text that is not empty gets a space in front, so that its first word looks like the others. Then the longest
    piece that the text begins with is taken off, again and again. Where no piece fits, one character is.

    Args:
        pieces: the pieces, none of them empty.
        rules: which characters are replaced first.

    Example:
    >>> rules = TextRules("subword", lowercase=False)
    >>> SubwordSplitter([" the", " there", " ", "s", "is"], rules).split("there is this")
    [' there', ' ', 'is', ' ', 't', 'h', 'is']

    References:
        O. Uzan et al.: Greed is all you need: an evaluation of tokenizer inference methods. ACL 2024, arXiv:2403.01289.
    """

    def __init__(self, pieces: Iterable[str], rules: TextRules):
        self.rules = rules
        self._pieces = frozenset(pieces)
        lengths: dict[str, set[int]] = {}
        for piece in self._pieces:
            lengths.setdefault(piece[0], set()).add(len(piece))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        # Where no piece reaches over a space, a word is split alike in every text, and need not be split twice.
        self._word_by_word = not any(" " in piece[1:] for piece in self._pieces)
        self._known_words: dict[str, list[str]] = {}

    def split(self, text: str) -> list[str]:
        """Returns the pieces of `text`, in order, characters that are no pieces among them."""
        text = self.rules.normalize(text)
        if not text:
            return []
        text = f" {text}"
        if not self._word_by_word:
            return self._longest_first(text)
        known, found = self._known_words, []
        for word in _WORDS(text):
            found += known.get(word) or self._learn(word)
        return found

    def _learn(self, word: str) -> list[str]:
        pieces = self._longest_first(word)
        if len(word) <= _LONGEST_KNOWN_WORD:
            if len(self._known_words) >= _MOST_KNOWN_WORDS:
                self._known_words.clear()
            self._known_words[word] = pieces
        return pieces

    def _longest_first(self, text: str) -> list[str]:
        found, place, pieces, lengths = [], 0, self._pieces, self._lengths
        while place < len(text):
            for length in lengths.get(text[place], ()):
                piece = text[place : place + length]
                if piece in pieces:
                    break
            else:
                piece = text[place]
            found.append(piece)
            place += len(piece)
        return found
