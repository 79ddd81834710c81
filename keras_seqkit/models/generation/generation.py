"""Reading a prompt and writing tokens, as Keras models: what `TextGenerator.generate` runs, and what is exported."""

from typing import Any

import keras

from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.samplers import Sampler, Settings
from keras_seqkit.samplers.counter_random import uniform
from keras_seqkit.samplers.sampler import NetworkOutput
from keras_seqkit.text.vocabulary import PADDING_ID, START_ID

ops: Any = keras.ops  # Keras's annotations know no tensors


class PromptReader(TracedAhead):
    """Reads prompts once, all but their last token.

    Args:
        generator: a `TextGenerator`.
        sampler: how tokens will be chosen.

    Call:
        ids: int32 (batch, time), at least one step, 0 behind each prompt; a prompt may be empty.
        room: int32 (max_new_tokens,), for samplers that need the whole text; only its length counts.

    Returns:
        What the first step takes; see `Sampler.begin`.
    """

    def __init__(self, generator: Any, sampler: Sampler):
        super().__init__(name="prompt", dtype="float32")
        self.generator = generator
        self.sampler = sampler
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        ids = inputs["ids"]
        real = ops.not_equal(ids, PADDING_ID)  # (batch, time)
        start = ops.ones_like(ids[:, :1]) * START_ID
        whole = ops.concatenate([start, ids], axis=1)  # (batch, time + 1)
        length = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)
        token = ops.squeeze(ops.take_along_axis(whole, length, axis=1), 1)  # (batch,)
        before = ops.where(real, whole[:, :-1], PADDING_ID)  # (batch, time), the prompt without its last token
        outputs, states = self.generator.run(before, mask=real)
        vocab = len(self.generator.vocabulary)
        return self.sampler.begin(token, states, ids, inputs["room"], outputs, vocab)


class GenerationStep(keras.Model):
    """Writes one token for each text.

    Args:
        generator: a `TextGenerator`.
        sampler: how tokens are chosen.
        by_cells: whether the recurrent layers' cells are called, which is quicker in Keras, or the layers themselves.
        filters: whether top-k and top-p of the call are applied; `None`: each call decides.

    Call:
        A dict: what is carried, by its names, and ``uniform`` float32 (batch,), ``index`` int32 (), ``temperature``
        float32 (), ``top_k`` int32 () and ``top_p`` float32 ().

    Returns:
        What is carried on, by the same names.
    """

    def __init__(self, generator: Any, sampler: Sampler, by_cells: bool = False, filters: bool | None = None):
        super().__init__(name="generation", dtype="float32")
        self.generator = generator
        self.sampler = sampler
        self.by_cells = by_cells
        self.filters = filters
        self.allowed = sampler.allowed(generator.vocabulary)
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        inputs = dict(inputs)
        draw, index = inputs.pop("uniform"), inputs.pop("index")
        settings = Settings(inputs.pop("temperature"), inputs.pop("top_k"), inputs.pop("top_p"), self.filters)
        return self.write(inputs, draw, index, settings)

    def write(self, carry: dict[str, Any], draw: Any, index: Any, settings: Settings) -> dict[str, Any]:
        """Writes one token for each text; see `Sampler.step`."""
        return self.sampler.step(self.network, carry, draw, index, settings, self.allowed)

    def network(self, token: Any, states: dict[str, Any]) -> NetworkOutput:
        """Reads one more token: int32 (batch,)."""
        if self.by_cells:
            hidden, states = self.generator.run_cells(token, states)
        else:
            _, states = self.generator.run(ops.expand_dims(token, 1), states)
            hidden = states[self.generator.output_state]  # (batch, units), the output of the only step
        return NetworkOutput(self.generator.logits(hidden), hidden, states)


class GenerationBlock(TracedAhead):
    """Writes some tokens, until all texts have ended.

    Args:
        generator: a `TextGenerator`.
        sampler: how tokens are chosen.

    Call:
        A dict: ``carry``; ``seed`` int32 (2,); ``rows`` int32 (batch,); ``first`` int32 (), the number of the first
        token; ``steps`` int32 (time,), 0, 1, ...; ``limit`` int32 (), how many of the steps are wanted; and
        ``temperature``, ``top_k``, ``top_p``.

    Returns:
        A dict: ``carry``, and ``tokens`` int32 (time, batch), padding behind what was written.
    """

    def __init__(self, generator: Any, sampler: Sampler):
        super().__init__(name="generation_block", dtype="float32")
        self.step = GenerationStep(generator, sampler, by_cells=True)
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        settings = Settings(inputs["temperature"], inputs["top_k"], inputs["top_p"])
        first, steps, limit = inputs["first"], inputs["steps"], inputs["limit"]
        draws = uniform(inputs["seed"], inputs["rows"], first + steps)  # (time, batch)
        carry = inputs["carry"]
        names = sorted(carry)

        def goes_on(step: Any, _tokens: Any, *values: Any) -> Any:
            done = dict(zip(names, values, strict=True))["done"]
            return ops.logical_and(step < limit, ops.logical_not(ops.all(done)))

        def write(step: Any, tokens: Any, *values: Any) -> tuple:
            before = dict(zip(names, values, strict=True))
            after = self.step.write(before, ops.take(draws, step, axis=0), first + step, settings)
            here = ops.expand_dims(ops.equal(steps, step), 1)  # (time, 1)
            written = after["token"][None, :: self.step.sampler.beams]
            return (step + 1, ops.where(here, written, tokens), *(after[name] for name in names))

        tokens = ops.cast(draws, "int32") * 0
        begin = (ops.zeros_like(limit), tokens, *(carry[name] for name in names))
        _, tokens, *values = ops.while_loop(goes_on, write, begin)
        return {"carry": dict(zip(names, values, strict=True)), "tokens": tokens}
