"""Text as it is written."""

from collections.abc import Iterator, Sequence
from typing import Any

from keras_seqkit.text.continuation import Continuation, certain_length, first_stop


def stream_text(
    writer: Any,
    continuations: list[Continuation],
    max_new_tokens: int,
    settings: dict[str, Any],
    stops: Sequence[str],
    strip_prompt: bool,
) -> Iterator[Any]:
    """Yields pieces of text: strings for one prompt, lists of strings for several.

    What may turn out to be the beginning of a stop string is held back.
    """
    texts = [_StreamedText(continuation, stops, strip_prompt) for continuation in continuations]
    prompts = [continuation.prompt for continuation in continuations]

    def pieces(final: bool) -> Any:
        found = [text.piece(final) for text in texts]
        return found[0] if len(found) == 1 else found

    if not strip_prompt:
        first = [text.continuation.prompt for text in texts]
        if any(first):
            yield first[0] if len(first) == 1 else first
    for tokens in writer.stream(prompts, max_new_tokens, settings):
        for text, token in zip(texts, tokens, strict=True):
            text.continuation.extend([token])
        new = pieces(final=False)
        if any(new):
            yield new
        if all(text.ended for text in texts):
            break
    new = pieces(final=True)
    if any(new):
        yield new


class _StreamedText:
    """One text, and how much of it was given away."""

    def __init__(self, continuation: Continuation, stops: Sequence[str], strip_prompt: bool):
        self.continuation = continuation
        self.stops = stops
        self.strip_prompt = strip_prompt
        self.given = 0

    @property
    def ended(self) -> bool:
        return self.continuation.ended or first_stop(self.continuation.written, self.stops) is not None

    def piece(self, final: bool) -> str:
        """Returns what is new and certain."""
        written = self.continuation.written
        stopped = first_stop(written, self.stops)
        certain = len(written) if final else certain_length(written, self.stops)
        certain = certain if stopped is None else stopped
        new = written[self.given : certain]
        separator = "" if self.strip_prompt or self.given or not new else self.continuation.separator(written)
        self.given = max(self.given, certain)
        return separator + new
