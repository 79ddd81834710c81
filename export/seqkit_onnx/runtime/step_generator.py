"""An exported step of a text generator: the loop around it, and its random numbers, in NumPy."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from seqkit_onnx.runtime.generation_arguments import (
    Settings,
    certain_length,
    check_sampler,
    drawn_seed,
    first_stop,
    prompt_list,
    sampler_name,
    separator,
    stop_list,
)
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.random_numbers import uniform
from seqkit_onnx.runtime.texts import object_array

START_ID, END_ID, PADDING_ID = 2, 3, 0
STEPS_DRAWN_AT_ONCE = 256


class StepGenerator(Network):
    """One step of an exported `TextGenerator`; the caller, or `generate`, carries its states.

    By hand, for many sessions at once: `predict` takes ``text`` (what is read), ``token`` (what was written last, 2 at
    first), ``uniform`` (a random number from 0 to 1) and the states, and gives ``next_token``, ``piece`` and the new
    states; see `initial_state` and `next_state`.

    Example::

        generator = seqkit_onnx.load("hamlet_step.onnx")
        for piece in generator.generate("To be", stream=True):
            print(piece, end="", flush=True)
    """

    def generate(
        self,
        prompts: Any = "",
        max_new_tokens: int = 100,
        sampler: Any = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = 0,
        stop: Any = None,
        strip_prompt: bool = False,
        stream: bool = False,
    ) -> Any:
        """Writes on from prompts: the same texts as `TextGenerator.generate` with the same arguments.

        Args:
            prompts: one string, which is one prompt; or a list of strings of any length, or a column of them, as for
                `Classifier.predict`; of none there is none.
            max_new_tokens: how many tokens are written at most; 0: none.
            sampler: the file's own, or `None`; ``"greedy"``: as temperature 0.
            temperature: what logits are divided by; 0: the most probable token always.
            top_k: only the most probable tokens; 0, or more than there are: all.
            top_p: only the most probable tokens that hold this probability; 1: all.
            seed: what random numbers begin with, 64 bits; `None`: another one at each call.
            stop: a string, or a list of strings, where a text ends; it is left out.
            strip_prompt: whether the prompts are left out.
            stream: whether text is yielded as it is written.

        Returns:
            A list of texts, each beginning with its prompt. With `stream`, an iterator: of strings for one prompt, of
            lists of strings for several; joined they are the texts.

        Raises:
            TypeError: a prompt is missing or not a string, or the seed not an integer.
            ValueError: an argument is out of its range, or the file has another sampler.
        """
        if "text" not in self.input_names:
            raise ValueError("generate: this file takes ids, and its caller the loop. Export with text=True.")
        texts, stops = prompt_list(prompts), stop_list(stop)
        settings = Settings(max_new_tokens, temperature, top_k, top_p, drawn_seed(seed))
        settings.check()
        if check_sampler(sampler, self.metadata):
            settings = settings._replace(temperature=0.0)
        pieces = self._pieces(texts, settings, stops, strip_prompt)
        if stream:
            return (each[0] for each in pieces) if len(texts) == 1 else pieces
        whole = [""] * len(texts)
        for new in pieces:
            whole = [text + piece for text, piece in zip(whole, new, strict=True)]
        return whole

    def _about(self) -> list[str]:
        return [sampler_name(self.metadata), *super()._about()]

    def _pieces(
        self, prompts: list[str], settings: Settings, stops: list[str], strip_prompt: bool
    ) -> Iterator[list[str]]:
        if not prompts:
            return
        joiner = self.metadata["joiner"]
        texts = [_Text(prompt, joiner, stops, strip_prompt) for prompt in prompts]
        if not strip_prompt and any(prompts):
            yield list(prompts)
        for written in self._written(prompts, settings):
            for text, (token, piece) in zip(texts, written, strict=True):
                text.add(token, piece)
            new = [text.new(final=False) for text in texts]
            if any(new):
                yield new
            if all(text.ended for text in texts):
                break
        new = [text.new(final=True) for text in texts]
        if any(new):
            yield new

    def _written(self, prompts: list[str], settings: Settings) -> Iterator[list[tuple[int, str]]]:
        """Yields the next token and its text, of each prompt."""
        batch = len(prompts)
        feeds: dict[str, Any] = {
            "text": object_array(prompts),
            "token": np.full(batch, START_ID, np.int32),
            **self.initial_state(batch),
        }
        for name in ("temperature", "top_k", "top_p"):
            feeds[name] = np.asarray(getattr(settings, name), self._optional[name])
        nothing = np.full(batch, "", object)
        draws = np.empty((0, batch), np.float32)
        names = self.output_names
        for step in range(settings.max_new_tokens):
            place = step % STEPS_DRAWN_AT_ONCE
            if not place:
                draws = uniform(settings.seed, np.arange(batch), np.arange(step, step + STEPS_DRAWN_AT_ONCE))
            feeds |= {"uniform": draws[place], "step": np.asarray(step, np.int64)}
            run: Any = self.session.run(None, {**self._defaults, **feeds})
            outputs = dict(zip(names, run, strict=True))
            feeds |= {"token": outputs["next_token"], "text": nothing, **self.next_state(outputs)}
            yield list(zip(outputs["next_token"].tolist(), outputs["piece"].tolist(), strict=True))


class _Text:
    """A text that is being written, and how much of it was given away."""

    def __init__(self, prompt: str, joiner: str, stops: list[str], strip_prompt: bool):
        self.prompt = prompt
        self.joiner = joiner
        self.stops = stops
        self.strip_prompt = strip_prompt
        self.written = ""
        self.given = 0
        self.has_ended = False

    def add(self, token: int, piece: str) -> None:
        """Adds a token, unless the text has ended."""
        self.has_ended = self.has_ended or token in (END_ID, PADDING_ID)
        if not self.has_ended:
            self.written += (self.joiner if self.written else "") + piece

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.has_ended or first_stop(self.written, self.stops) is not None

    def new(self, final: bool) -> str:
        """Returns what is new and certain."""
        stopped = first_stop(self.written, self.stops)
        certain = len(self.written) if final else certain_length(self.written, self.stops)
        certain = certain if stopped is None else stopped
        new = self.written[self.given : certain]
        before = "" if self.strip_prompt or self.given or not new else separator(self.prompt, new, self.joiner)
        self.given = max(self.given, certain)
        return before + new
