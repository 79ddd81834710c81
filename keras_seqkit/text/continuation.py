"""A prompt and what is written behind it."""

from collections.abc import Iterable, Sequence
from typing import Any

from keras_seqkit.text.detokenization import Detokenizer
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, Vocabulary

SPACES = (" ", "\n", "\t")


class Continuation:
    """A prompt and the tokens written behind it.

    Args:
        vocabulary: the tokens.
        prompt: a text, kept as it is.
        limit: how many tokens are taken at most; `None`: all.
        detokenizer: how words are joined, and what is written to the prompt's last one; `None`: by spaces, or as their
            level has it.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        prompt: str,
        limit: int | None = None,
        *,
        detokenizer: Detokenizer | None = None,
    ):
        self.vocabulary = vocabulary
        self.prompt = prompt
        self.limit = limit
        self.detokenizer = detokenizer
        self._last_of_prompt = PADDING_ID
        if detokenizer is not None:
            self._last_of_prompt = [PADDING_ID, *vocabulary.encode_rows([prompt])[0]][-1]
        self.tokens: list[int] = []
        self.ended = limit == 0  # whether [END] was written, or the limit reached

    def extend(self, tokens: Iterable[int]) -> None:
        """Adds tokens; `[END]`, padding and all behind them are left out."""
        for token in tokens:
            self.ended = self.ended or token in (END_ID, PADDING_ID)
            if self.ended:
                return
            self.tokens.append(token)
            self.ended = len(self.tokens) == self.limit

    @property
    def written(self) -> str:
        """What was written, without the prompt.

        Behind a prompt, it begins with the space that its first subword has, or that a detokenizer puts there.
        """
        if self.detokenizer is not None:
            spaced = self.prompt.endswith(SPACES)
            return self.detokenizer.join(self.tokens, before=self._last_of_prompt, spaced=spaced)
        return self.vocabulary.decode([self.tokens], keep_first_space=bool(self.prompt))[0]

    def text(self, stops: Sequence[str] = (), strip_prompt: bool = False) -> str:
        """Returns the prompt and what was written behind it, up to the first of the stop strings."""
        written = self.written
        place = first_stop(written, stops)
        written = written if place is None else written[:place]
        return written if strip_prompt else self.prompt + self.separator(written) + written

    def separator(self, written: str) -> str:
        """What stands between the prompt and `written`: a space between words, unless `written` has its own."""
        if self.detokenizer is not None or not written or not self.prompt or self.prompt.endswith(SPACES):
            return ""
        return self.vocabulary.rules.joiner


def stop_list(stop: Any) -> list[str]:
    """Returns stop strings as a list.

    Raises:
        TypeError: `stop` is neither `None`, a string, nor a list of strings.
        ValueError: one is empty.
    """
    stops = [] if stop is None else [stop] if isinstance(stop, str) or not isinstance(stop, Iterable) else list(stop)
    if not all(isinstance(each, str) for each in stops):
        raise TypeError(f"generate: stop is a string or a list of strings; received {stop!r}.")
    if "" in stops:
        raise ValueError("generate: stop strings are not empty. Pass stop=None to stop at [END] only.")
    return stops


def first_stop(text: str, stops: Iterable[str]) -> int | None:
    """Returns the place of the stop string that begins first, or `None`."""
    places = [text.find(stop) for stop in stops]
    return min((place for place in places if place >= 0), default=None)


def certain_length(text: str, stops: Iterable[str]) -> int:
    """Returns how much of `text` no stop string that is still being written can take away."""
    held = 0
    for stop in stops:
        for size in range(min(len(stop) - 1, len(text)), held, -1):
            if text.endswith(stop[:size]):
                held = size
                break
    return len(text) - held
