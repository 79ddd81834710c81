"""The loop around generation: prompts in, texts out, in batches and blocks."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_seqkit.models.generation.generation import GenerationBlock, PromptReader
from keras_seqkit.samplers import Sampler
from keras_seqkit.samplers.counter_random import seed_words
from keras_seqkit.text.columns import text_column
from keras_seqkit.text.continuation import Continuation, first_stop, stop_list
from keras_seqkit.text.ngram_arguments import real_number
from keras_seqkit.text.padding import pad_rows

PROMPTS_AT_ONCE = 64
TOKENS_AT_ONCE = 64  # between two looks at stop strings; also what shapes are rounded up to, so that few are compiled
PROMPT_STEP = 16
HIGHEST_TEMPERATURE = 1e30  # logits divided by infinity are no numbers where a token is banned


class Writer:
    """Writes on from prompts with one model and one sampler; compiled parts are kept for the next call.

    Args:
        generator: a `TextGenerator`.
        sampler: how tokens are chosen.
    """

    def __init__(self, generator: Any, sampler: Sampler):
        self.vocabulary = generator.vocabulary
        self.sampler = sampler
        self.reader = PromptReader(generator, sampler)
        self.block = GenerationBlock(generator, sampler)

    def write(
        self, texts: list[Continuation], max_new_tokens: int, settings: dict[str, Any], stop: Any
    ) -> list[Continuation]:
        """Writes on each text, and returns all of them."""
        stops = stop_list(stop)
        for first_row in range(0, len(texts), PROMPTS_AT_ONCE):
            part = texts[first_row : first_row + PROMPTS_AT_ONCE]
            prompts = [text.prompt for text in part]
            for tokens in self._blocks(prompts, first_row, max_new_tokens, settings, TOKENS_AT_ONCE):
                for text, row in zip(part, tokens, strict=True):
                    text.extend(row)
                if all(text.ended or first_stop(text.written, stops) is not None for text in part):
                    break
        return texts

    def stream(self, prompts: list[str], max_new_tokens: int, settings: dict[str, Any]) -> Iterator[list[int]]:
        """Yields one token of each prompt at a time."""
        for tokens in self._blocks(prompts, 0, max_new_tokens, settings, 1):
            yield [row[0] for row in tokens]

    def _blocks(
        self, prompts: list[str], first_row: int, max_new_tokens: int, settings: dict[str, Any], size: int
    ) -> Iterator[Sequence[list[int]]]:
        """Yields a list of new tokens for each prompt, block by block."""
        if not max_new_tokens:
            return
        whole = self.sampler.needs_whole_text
        room = np.zeros(_round_up(max_new_tokens, size) if whole else 1, np.int32)
        carry: Any = self.reader.predict_on_batch({"ids": self._ids(prompts), "room": room})
        inputs = {
            "seed": seed_words(settings["seed"]),
            "rows": np.arange(first_row, first_row + len(prompts), dtype=np.int32),
            "steps": np.arange(size, dtype=np.int32),
            "temperature": np.float32(settings["temperature"]),
            "top_k": np.int32(settings["top_k"]),
            "top_p": np.float32(settings["top_p"]),
        }
        for first in range(0, max_new_tokens, size):
            limit = np.int32(min(size, max_new_tokens - first))
            outputs: Any = self.block.predict_on_batch(
                {**inputs, "carry": carry, "first": np.int32(first), "limit": limit}
            )
            carry = outputs["carry"]
            if self.sampler.writes_each_step:
                yield outputs["tokens"].T.tolist()
            if carry["done"].all():
                break
        if not self.sampler.writes_each_step:
            yield np.asarray(self.sampler.result(carry))[:, :max_new_tokens].tolist()

    def _ids(self, prompts: list[str]) -> np.ndarray:
        rows = self.vocabulary.encode_rows(prompts)
        return pad_rows(rows, _round_up(max(map(len, rows)), PROMPT_STEP), "post")


class Writers:
    """The writers of a model, one for each sampler.

    Args:
        generator: a `TextGenerator`.
    """

    def __init__(self, generator: Any):
        self.generator = generator
        self._by_sampler: dict[str, Writer] = {}

    def of(self, sampler: Sampler) -> Writer:
        """Returns the writer of a sampler; two samplers with the same configuration share it."""
        key = f"{type(sampler).__module__}.{type(sampler).__qualname__} {json.dumps(sampler.get_config())}"
        if key not in self._by_sampler:
            self._by_sampler[key] = Writer(self.generator, sampler)
        return self._by_sampler[key]


def prompt_list(prompts: Any) -> list[str]:
    """Returns prompts as a list; one string is one prompt.

    Raises:
        TypeError: something is not a string.
        ValueError: there is none, or one holds a lone surrogate.
    """
    found = text_column(prompts, "TextGenerator: prompts")
    if not found:
        raise ValueError("TextGenerator: at least one prompt is expected; received an empty list. Pass [''] for none.")
    return found


DEFAULT_NEW_TOKENS = 100


def check_count(num_return_sequences: int, sampler: Sampler) -> None:
    """Checks how many texts are written for each prompt.

    Raises:
        ValueError: it is below 1, or several are asked of a sampler that would write the same again.
    """
    if isinstance(num_return_sequences, bool) or not isinstance(num_return_sequences, int) or num_return_sequences < 1:
        raise ValueError(
            f"TextGenerator.generate: num_return_sequences is a whole number of at least 1; received "
            f"{num_return_sequences!r}."
        )
    if num_return_sequences > 1 and not sampler.draws:
        raise ValueError(
            f"TextGenerator.generate: {type(sampler).__name__} writes the same text each time, so "
            f"num_return_sequences={num_return_sequences} would repeat it. Pass 1, or sampler='random'."
        )


def length_limits(
    vocabulary: Any, prompts: list[str], max_new_tokens: int | None, max_length: int | None
) -> tuple[list[int | None], int]:
    """Returns how many tokens each prompt may get, `None` where that is all of them, and the largest number.

    Raises:
        TypeError: `max_length` is no integer.
        ValueError: both are given, or `max_length` is below 0.
    """
    if max_length is None:
        return [None] * len(prompts), DEFAULT_NEW_TOKENS if max_new_tokens is None else max_new_tokens
    if max_new_tokens is not None:
        raise ValueError("TextGenerator.generate: received max_new_tokens and max_length, which counts the prompt too.")
    if not hasattr(max_length, "__index__"):
        raise TypeError(f"TextGenerator.generate: max_length is an integer; received {max_length!r}.")
    if max_length < 0:
        raise ValueError(f"TextGenerator.generate: max_length is at least 0; received {max_length!r}.")
    room = [max(0, max_length - len(row)) for row in vocabulary.encode_rows(prompts)]
    return [*room], max(room)


def check_settings(max_new_tokens: int, temperature: float, top_k: int, top_p: float, seed: int) -> None:
    """Checks the arguments of a call.

    Raises:
        TypeError: one is no number, or no integer where it has to be one.
        ValueError: one is out of its range.
    """
    for name, value in (("max_new_tokens", max_new_tokens), ("top_k", top_k)):
        if not hasattr(value, "__index__"):
            raise TypeError(f"TextGenerator.generate: {name} is an integer; received {value!r}.")
    for name, value in (("temperature", temperature), ("top_p", top_p)):
        real_number(f"TextGenerator.generate: {name}", value)
    for name, value, right, expected in (
        ("max_new_tokens", max_new_tokens, max_new_tokens >= 0, "at least 0"),
        ("temperature", temperature, 0 <= temperature <= HIGHEST_TEMPERATURE, "0, the most probable token, to 1e30"),
        ("top_k", top_k, top_k >= 0, "at least 0, which keeps all"),
        ("top_p", top_p, 0 <= top_p <= 1, "0 to 1"),
    ):
        if not right:
            raise ValueError(f"TextGenerator.generate: {name} is {expected}; received {value!r}.")
    seed_words(seed)


def _round_up(size: int, step: int) -> int:
    return max(step, -(-size // step) * step)
