"""An exported text generator: prompts in, texts out."""

from typing import Any

import numpy as np

from seqkit_onnx.runtime.generation_arguments import (
    Settings,
    check_sampler,
    drawn_seed,
    first_stop,
    prompt_list,
    sampler_name,
    separator,
    stop_list,
)
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.texts import object_array


class Generator(Network):
    """An exported `TextGenerator`, the whole of it in one call.

    Example::

        generator = seqkit_onnx.load("hamlet.onnx")
        [text] = generator.generate("To be", max_new_tokens=200, temperature=0.8, seed=1)
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
    ) -> list[str]:
        """Writes on from prompts: the same texts as `TextGenerator.generate` with the same arguments.

        Args:
            prompts: one string, which is one prompt; or a list of strings of any length, or a column of them, as for
                `Classifier.predict`; of none there is none.
            max_new_tokens: how many tokens are written at most; 0: none.
            sampler: the file's own, or `None`; ``"greedy"`` where it draws at random: as temperature 0.
            temperature: what logits are divided by; 0: the most probable token always.
            top_k: only the most probable tokens; 0, or more than there are: all.
            top_p: only the most probable tokens that hold this probability; 1: all.
            seed: what random numbers begin with, 64 bits; `None`: another one at each call.
            stop: a string, or a list of strings, where a text ends; it is left out. The file writes on, and the text
                is cut.
            strip_prompt: whether the prompts are left out.
            stream: `False`: a file of one step streams, ``export(..., step=True)``.

        Returns:
            A list of texts, each beginning with its prompt.

        Raises:
            TypeError: a prompt is missing or not a string, or the seed not an integer.
            ValueError: an argument is out of its range, or the file has another sampler.
        """
        if stream:
            raise ValueError("generate: this file gives whole texts. Stream with one of export(..., step=True).")
        if self.input_names[0] != "prompt":
            raise ValueError("generate: this file takes ids. Call generate_ids, or export with text=True.")
        texts, stops = prompt_list(prompts), stop_list(stop)
        settings = self._settings(sampler, Settings(max_new_tokens, temperature, top_k, top_p, drawn_seed(seed)))
        [written] = self._run(["text"], {"prompt": object_array(texts), **settings})
        joiner = self.metadata["joiner"]
        return [
            _cut(text, whole[len(text) :], joiner, stops, strip_prompt)
            for text, whole in zip(texts, written.tolist(), strict=True)
        ]

    def generate_ids(
        self,
        ids: Any,
        max_new_tokens: int = 100,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = 0,
    ) -> np.ndarray:
        """Writes on from ids, where the file was exported with ``text=False``.

        Args:
            ids: integers (batch, time), 0 behind each prompt.
            max_new_tokens: see `generate`, as for the others.
            temperature: ...
            top_k: ...
            top_p: ...
            seed: ...

        Returns:
            int32 (batch, new time): the tokens behind each prompt, `[END]` (3) included, padding (0) behind it.
        """
        settings = self._settings(None, Settings(max_new_tokens, temperature, top_k, top_p, drawn_seed(seed)))
        return self._run(["generated_ids"], {"ids": self._cast("ids", ids), **settings})[0]

    def _about(self) -> list[str]:
        return [sampler_name(self.metadata)]

    def _settings(self, sampler: Any, settings: Settings) -> dict[str, np.ndarray]:
        settings.check()
        if check_sampler(sampler, self.metadata):
            settings = settings._replace(temperature=0.0)
        return {name: np.asarray(value, self._optional[name]) for name, value in settings._asdict().items()}


def _cut(prompt: str, rest: str, joiner: str, stops: list[str], strip_prompt: bool) -> str:
    """Takes a text that begins with its prompt apart, and ends it at the first stop string."""
    between = separator(prompt, rest, joiner)
    written = rest[len(between) :]
    place = first_stop(written, stops)
    written = written if place is None else written[:place]
    return written if strip_prompt else prompt + separator(prompt, written, joiner) + written
