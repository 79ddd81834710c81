"""What callers of a writer may ask for: the arguments of ``generate``, checked, where there is no Keras."""

import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from keras_seqkit.text.columns import text_column
from keras_seqkit.text.ngram_arguments import real_number

SPACES = (" ", "\n", "\t")
HIGHEST_TEMPERATURE = 1e30  # logits divided by infinity are no numbers where a token is banned


def drawn_seed(seed: Any) -> Any:
    """Returns a seed as it is, and 64 random bits of the system's in place of `None`."""
    return int.from_bytes(os.urandom(8), "little", signed=True) if seed is None else seed


class Settings(NamedTuple):
    """The numbers of a call.

    Args:
        max_new_tokens: how many tokens are written at most.
        temperature: what logits are divided by.
        top_k: 0 for all.
        top_p: 1 for all.
        seed: 64 bits.
    """

    max_new_tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int

    def check(self) -> None:
        """Checks the ranges.

        Raises:
            TypeError: one is no number, or no integer where it has to be one.
            ValueError: one is out of its range.
        """
        for name, value in (("max_new_tokens", self.max_new_tokens), ("top_k", self.top_k)):
            if not hasattr(value, "__index__"):
                raise TypeError(f"generate: {name} is an integer; received {value!r}.")
        for name, value in (("temperature", self.temperature), ("top_p", self.top_p)):
            real_number(f"generate: {name}", value)
        warm = 0 <= self.temperature <= HIGHEST_TEMPERATURE
        for name, value, right, expected in (
            ("max_new_tokens", self.max_new_tokens, self.max_new_tokens >= 0, "at least 0"),
            ("temperature", self.temperature, warm, "0, the most probable token, to 1e30"),
            ("top_k", self.top_k, self.top_k >= 0, "at least 0, which keeps all"),
            ("top_p", self.top_p, 0 <= self.top_p <= 1, "0 to 1"),
        ):
            if not right:
                raise ValueError(f"generate: {name} is {expected}; received {value!r}.")
        if isinstance(self.seed, bool) or not hasattr(self.seed, "__index__"):
            raise TypeError(f"generate: seed is an integer; received {type(self.seed).__name__} {self.seed!r}.")
        if not -(2**63) <= self.seed < 2**63:
            raise ValueError(f"generate: seed is an integer of 64 bits, -2**63 to 2**63 - 1; received {self.seed}.")


def prompt_list(prompts: Any) -> list[str]:
    """Returns prompts as a list; one string is one prompt, and of none there is none."""
    return text_column(prompts, "generate: prompts")


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


def check_sampler(sampler: Any, metadata: dict[str, str]) -> bool:
    """Checks that a sampler is the file's own, and tells whether it is to be greedy.

    Args:
        sampler: `None`, a name such as ``"top_p"``, or a `keras_seqkit.samplers.Sampler`.
        metadata: of the file.

    Raises:
        ValueError: the file was written with another one.
    """
    own = json.loads(metadata["sampler"])
    if sampler is None:
        return False
    if isinstance(sampler, str):
        name = f"{sampler.replace('_', '').lower()}sampler"
        if name == own["class_name"].lower():
            return False
        if sampler == "greedy" and own["class_name"] not in ("BeamSampler", "ContrastiveSampler"):
            return True
    elif type(sampler).__name__ == own["class_name"] and sampler.get_config() == own["config"]:
        return False
    raise ValueError(
        f"generate: this file was exported with {own['class_name']}({own['config']}); received {sampler!r}. Export "
        "another one with export(..., sampler=...)."
    )


def sampler_name(metadata: dict[str, str]) -> str:
    """Returns the class of a file's own sampler."""
    return json.loads(metadata["sampler"])["class_name"]


def separator(prompt: str, written: str, joiner: str) -> str:
    """What stands between a prompt and what is written behind it."""
    return "" if not written or not prompt or prompt.endswith(SPACES) else joiner


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
