"""The files of a `TextGenerator`: the whole writer, or one step of it."""

import json
from typing import Any, ClassVar

import numpy as np
import onnx

from keras_seqkit import samplers
from keras_seqkit.models import TextGenerator
from keras_seqkit.text.continuation import Continuation
from keras_seqkit.text.vocabulary import START_ID
from seqkit_onnx.comparison.texts import compare_texts
from seqkit_onnx.comparison.verification import Verification
from seqkit_onnx.decoding.generator_graph import generator_model
from seqkit_onnx.decoding.generator_step_graph import generator_step_model, step_states
from seqkit_onnx.kinds.file_kind import Options, exports
from seqkit_onnx.kinds.writer import WriterFile
from seqkit_onnx.metadata import of_states
from seqkit_onnx.runtime.random_numbers import uniform

SAMPLE_TOKENS = 40
SAMPLE_SEED = 1
SETTINGS: dict[str, Any] = {"max_new_tokens": SAMPLE_TOKENS, "seed": SAMPLE_SEED}


@exports(TextGenerator)
class GeneratorFile(WriterFile):
    """A file that takes a prompt and gives the whole text."""

    takes: ClassVar[frozenset[str]] = frozenset({"sampler", "step"})
    name = "generator"

    def __init__(self, model: Any, options: Options):
        super().__init__(model, options)
        self.sampler = samplers.get(self.model.default_sampler if options.sampler is None else options.sampler)

    @classmethod
    def is_wanted(cls, options: Options) -> bool:
        """See `FileKind`."""
        return not options.step

    def graph(self) -> onnx.ModelProto:
        """See `WriterFile`."""
        return generator_model(self.model, self.sampler, self.options.text)

    def about(self) -> dict[str, str]:
        """See `WriterFile`."""
        sampler = {"class_name": type(self.sampler).__name__, "config": self.sampler.get_config()}
        joiner = self.own_vocabulary.rules.joiner if self.model.detokenizer is None else ""
        return {"sampler": json.dumps(sampler), "joiner": joiner}

    def samples(self) -> list[str]:
        """Returns prompts: none, short ones and a longer one."""
        own = self.own_vocabulary.tokens[4:12]
        return ["", *own[:3], self.own_vocabulary.rules.joiner.join(own)]

    def compare(self, file: Any, inputs: Any) -> Verification:
        """Compares `SAMPLE_TOKENS` tokens behind each prompt, drawn by one seed."""
        prompts = [inputs] if isinstance(inputs, str) else list(inputs)
        expected = self.model.generate(prompts, sampler=self.sampler, **SETTINGS)
        return compare_texts(expected, self.written_by(file, prompts))

    def written_by(self, file: Any, prompts: list[str]) -> list[str]:
        """What the file writes on from prompts, each text with its prompt."""
        if self.options.text:
            return file.generate(prompts, **SETTINGS)
        rows = self.ids_written_by(file, self.own_vocabulary.encode(prompts))
        return [self._text(prompt, row) for prompt, row in zip(prompts, rows, strict=True)]

    def ids_written_by(self, file: Any, ids: np.ndarray) -> np.ndarray:
        """What the file writes on from ids: int32 (batch, time)."""
        return file.generate_ids(ids, **SETTINGS)

    def _text(self, prompt: str, tokens: Any) -> str:
        continuation = Continuation(self.own_vocabulary, prompt, detokenizer=self.model.detokenizer)
        continuation.extend(int(token) for token in tokens)
        return continuation.text()


@exports(TextGenerator)
class GeneratorStepFile(GeneratorFile):
    """A file that takes some text and states, and gives one token and states."""

    name = "generator_step"
    answers_no_rows: ClassVar[bool] = False

    @classmethod
    def is_wanted(cls, options: Options) -> bool:
        """See `FileKind`."""
        return options.step

    def graph(self) -> onnx.ModelProto:
        """See `WriterFile`."""
        return generator_step_model(self.model, self.sampler, self.options.text)

    def about(self) -> dict[str, str]:
        """See `WriterFile`."""
        return of_states(step_states(self.model, self.sampler)) | super().about()

    def ids_written_by(self, file: Any, ids: np.ndarray) -> np.ndarray:
        """See `GeneratorFile`: a step takes one token after the other."""
        batch = len(ids)
        draws = uniform(SAMPLE_SEED, np.arange(batch), np.arange(SAMPLE_TOKENS))  # (time, batch)
        feeds = {"ids": ids, "token": np.full(batch, START_ID, np.int32), **file.initial_state(batch)}
        written = []
        for number, draw in enumerate(draws):
            outputs = file.predict({**feeds, "uniform": draw, "step": np.int64(number)})
            written.append(outputs["next_token"])
            feeds = {"ids": np.zeros((batch, 1), np.int32), "token": written[-1], **file.next_state(outputs)}
        return np.stack(written, axis=1)
