"""Greedy and beam search for translations, as Keras models: what `translate` runs, and what is exported."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.samplers.beam_search import BeamRows, continue_beams
from keras_seqkit.samplers.filters import MINUS_INFINITY
from keras_seqkit.samplers.sampler import most_probable
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

Carry = dict[str, Any]


class SourceReader(keras.Model):
    """Reads source sentences, and prepares their beams.

    Args:
        translator: a `Seq2SeqTranslator`.

    Call:
        ids: int32 (batch, time), 0 behind each sentence; a sentence may be empty.
        room: int32 (max_length,): 0, 1, 2, ..., a place for each token that may be written.
        beam: int32 (beams,): 0, 1, 2, ...

    Returns:
        What the first step takes: the memory, whose names begin with ``memory/``, and what is carried.
    """

    def __init__(self, translator: Any):
        super().__init__(name="source", dtype="float32")  # whatever the global policy is
        self.translator = translator
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Carry:
        """See the class."""
        ids, room, beam = inputs["ids"], inputs["room"], inputs["beam"]
        memory, states = self.translator.read(ids, room)
        empty = ops.logical_not(ops.any(ops.not_equal(ids, PADDING_ID), axis=1))  # (batch,)
        beams = ops.expand_dims(ops.zeros_like(beam), 0)  # (1, beams)
        ended = ops.cast(ops.expand_dims(empty, 1), "int32") + beams  # (batch, beams)
        token = ops.reshape(ended * 0 + START_ID, (-1,))  # (batch * beams,)
        # All beams of a sentence are one before the first token, so only the first counts.
        first = ops.where(ops.equal(beam, 0), 0.0, float("-inf"))  # (beams,)
        carry = {
            "token": token,
            "done": ops.reshape(ops.greater(ended, 0), (-1,)),
            "scores": ops.expand_dims(first, 0) + ops.cast(ended * 0, "float32"),  # (batch, beams)
            "lengths": ops.cast(ended * 0, "float32"),
        }
        zeros = ops.expand_dims(ops.cast(beams, "float32"), 2)  # (1, beams, 1)
        for name, state in states.items():
            carry[name] = ops.reshape(ops.expand_dims(state, 1) + zeros, (-1, state.shape[-1]))  # (rows, units)
        batch = ops.shape(ids)[0]
        memory["memory/first_row"] = ops.expand_dims(ops.arange(batch, dtype="int32"), 1) * ops.shape(beam)[0]
        return {**memory, "memory/beam": beam + 0, **carry}


class TranslationStep(keras.Model):
    """Writes one more token of each beam.

    Args:
        translator: a `Seq2SeqTranslator`.
        greedy: whether there is one beam: the most probable token is taken.
        by_cells: whether the recurrent layers' cells are called, which is quicker in Keras, or the layers themselves.

    Call:
        A dict: what `SourceReader` returned, ``index`` int32 (), the number of the token, and ``length_penalty``
        float32 ().

    Returns:
        What is carried on, by the same names, of which a greedy step has no ``scores`` and no ``lengths``; and what
        the token adds to the text: ``log_probability`` float32 (batch,), 0 for one that has ended, of a greedy step,
        ``parent`` int32 (batch * beams,), the row that each beam continues, of others. The memory stays as it is.
    """

    def __init__(self, translator: Any, greedy: bool, by_cells: bool = False):
        super().__init__(name="translation", dtype="float32")  # whatever the global policy is
        self.translator = translator
        self.greedy = greedy
        self.by_cells = by_cells
        bias = np.zeros(len(translator.target_vocabulary), np.float32)
        bias[[PADDING_ID, START_ID]] = MINUS_INFINITY
        self.allowed = bias
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Carry:
        """See the class."""
        carry, memory = dict(inputs), {}
        index, length_penalty = carry.pop("index"), carry.pop("length_penalty")
        for name in [name for name in carry if name.startswith("memory/")]:
            memory[name] = carry.pop(name)
        return self.write(memory, carry, index, length_penalty)

    def write(self, memory: dict[str, Any], carry: Carry, index: Any, length_penalty: Any) -> Carry:
        """See the class."""
        states = {name: value for name, value in carry.items() if "/" in name}
        logits, states = self.translator.decoder.step(carry["token"], memory, states, index, self.by_cells)
        logits = logits + self.allowed
        new = (
            self._most_probable(logits, carry)
            if self.greedy
            else self._best_beams(logits, carry, memory, length_penalty)
        )
        parent = new.get("parent")
        return {**new, **(states if parent is None else _rows_of(states, parent))}

    def _most_probable(self, logits: Any, carry: Carry) -> Carry:
        done, log_probability = carry["done"], ops.max(ops.log_softmax(logits), axis=1)  # (batch,)
        token = ops.where(done, PADDING_ID, most_probable(logits))
        return {
            "token": token,
            "done": ops.logical_or(done, ops.equal(token, END_ID)),
            "log_probability": ops.where(done, 0.0, log_probability),
        }

    def _best_beams(self, logits: Any, carry: Carry, memory: dict[str, Any], length_penalty: Any) -> Carry:
        rows = BeamRows(memory["memory/first_row"], memory["memory/beam"])
        found = continue_beams(
            ops.log_softmax(logits), carry["scores"], carry["lengths"], carry["done"], length_penalty, rows
        )
        done = ops.take(carry["done"], found.parent, axis=0)
        return {
            "token": found.token,
            "done": ops.logical_or(done, ops.equal(found.token, END_ID)),
            "scores": found.scores,
            "lengths": found.lengths,
            "parent": found.parent,
        }


class TranslationSearch(TracedAhead):
    """Reads sentences and writes their translations.

    Args:
        translator: a `Seq2SeqTranslator`.
        greedy: whether there is one beam.

    Call:
        What `SourceReader` takes, and ``length_penalty`` float32 ().

    Returns:
        A dict: ``tokens`` int32 (batch, beams, max_length), padding behind each translation, the best beam first, and
        ``scores`` float32 (batch, beams).
    """

    def __init__(self, translator: Any, greedy: bool):
        super().__init__(name="translation_search", dtype="float32")  # whatever the global policy is
        self.greedy = greedy
        self.reader = SourceReader(translator)
        self.step = TranslationStep(translator, greedy, by_cells=True)
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        inputs = dict(inputs)
        length_penalty, room = inputs.pop("length_penalty"), inputs["room"]
        begin = self.reader(inputs)
        memory = {name: begin.pop(name) for name in list(begin) if name.startswith("memory/")}
        if self.greedy:
            del begin["lengths"]
        begin["written"] = ops.expand_dims(begin["token"] * 0, 1) + ops.expand_dims(room * 0, 0)  # (rows, max_length)
        names = sorted(begin)

        def goes_on(index: Any, *values: Any) -> Any:
            done = dict(zip(names, values, strict=True))["done"]
            return ops.logical_and(index < ops.shape(room)[0], ops.logical_not(ops.all(done)))

        def write(index: Any, *values: Any) -> tuple:
            before = dict(zip(names, values, strict=True))
            after = self.step.write(memory, before, index, length_penalty)
            if self.greedy:
                after["scores"] = before["scores"] + ops.expand_dims(after["log_probability"], 1)
                written = before["written"]
            else:
                written = ops.take(before["written"], after["parent"], axis=0)
            here = ops.expand_dims(ops.equal(room, index), 0)  # (1, max_length)
            after["written"] = ops.where(here, ops.expand_dims(after["token"], 1), written)
            # TensorFlow forgets some of the sizes that it knew, and its loop wants them all.
            kept = [ops.reshape(after[name], ops.shape(value)) for name, value in before.items()]
            return (index + 1, *kept)

        _, *values = ops.while_loop(goes_on, write, (ops.zeros((), "int32"), *(begin[name] for name in names)))
        return ranked_translations(dict(zip(names, values, strict=True)), length_penalty)


def ranked_translations(carry: Carry, length_penalty: Any) -> dict[str, Any]:
    """Returns all beams, best first: ``tokens`` int32 (batch, beams, max_length), ``scores`` float32 (batch, beams)."""
    scores = carry["scores"]  # (batch, beams)
    batch, beams = ops.shape(scores)[0], ops.shape(scores)[1]
    tokens = ops.reshape(carry["written"], (batch, beams, -1))
    lengths = ops.sum(ops.cast(ops.not_equal(tokens, PADDING_ID), "float32"), axis=2)
    return {"tokens": tokens, "scores": scores / ops.maximum(lengths, 1.0) ** length_penalty}


def _rows_of(states: Carry, rows: Any) -> Carry:
    return {name: ops.take(state, rows, axis=0) for name, state in states.items()}
