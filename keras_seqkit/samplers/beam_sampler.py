"""The most probable text that a search of some width finds."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.samplers.beam_search import BeamRows, continue_beams, first_scores
from keras_seqkit.samplers.filters import MINUS_INFINITY
from keras_seqkit.samplers.sampler import GREEDY_BELOW, Carry, Network, Sampler, Settings, register, states_of, warp
from keras_seqkit.text.limits import MAX_BEAMS, check_limit

ops: Any = keras.ops  # Keras's annotations know no tensors


@register
class BeamSampler(Sampler):
    """Beam search: keeps the `num_beams` best texts at every step, and returns the best one at the end.

    Texts are ranked by the sum of the logarithms of their tokens' probabilities, divided by
    ``length ** length_penalty``; `[END]` counts as a token. No random numbers are drawn. With one beam it is greedy.

    Args:
        num_beams: how many texts are kept, at least 1.
        length_penalty: 0 ranks by the sum alone, 1 by the mean; above 0, longer texts are preferred.
        **kwargs: as in `Sampler`. A temperature changes the probabilities; 0 is taken as 1.

    Raises:
        ValueError: `num_beams` is below 1, or above 1,024.

    Example:
    >>> from keras_seqkit.samplers import BeamSampler
    >>> BeamSampler(num_beams=4, length_penalty=0.6).num_beams
    4

    Source:
        Graves (2012), Sequence transduction with recurrent neural networks; the length penalty as in `transformers`.
    """

    draws = False
    writes_each_step = False

    def __init__(self, num_beams: int = 5, length_penalty: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(num_beams=num_beams, length_penalty=length_penalty)
        self.check("num_beams", num_beams, num_beams >= 1, "at least 1")
        check_limit(type(self).__name__, "num_beams", num_beams, MAX_BEAMS)
        self.num_beams = num_beams
        self.length_penalty = length_penalty

    @property
    def beams(self) -> int:  # type: ignore[override]  # a constant of the other samplers
        """Rows of the network for each text."""
        return self.num_beams

    @property
    def needs_whole_text(self) -> bool:
        """See `Sampler`."""
        return True

    def begin(self, token: Any, states: dict[str, Any], prompt: Any, room: Any, outputs: Any, vocab: int) -> Carry:
        """See `Sampler`."""
        beams = self.num_beams
        token, prompt = ops.repeat(token, beams, axis=0), ops.repeat(prompt, beams, axis=0)
        states = {name: ops.repeat(state, beams, axis=0) for name, state in states.items()}
        carry = super().begin(token, states, prompt, room, outputs, vocab)
        carry["scores"] = first_scores(token, beams)
        carry["lengths"] = ops.zeros_like(carry["scores"])
        carry["written"] = ops.zeros_like(token[:, None] + room[None, :])  # (batch * beams, max_new_tokens)
        return carry

    def step(self, network: Network, carry: Carry, uniform: Any, index: Any, settings: Settings, allowed: Any) -> Carry:
        """See `Sampler`."""
        del uniform
        output = network(carry["token"], states_of(carry))
        logits = self.constrain(output.logits + allowed, carry, index)
        temperature = self.temperature * settings.temperature
        temperature = ops.where(temperature < GREEDY_BELOW, 1.0, temperature)
        logits = warp(logits, temperature, settings)
        # Where nothing is allowed, a text gives way to others; its logarithms would be no numbers.
        log_probabilities = ops.where(logits > MINUS_INFINITY, ops.log_softmax(logits), MINUS_INFINITY)
        first = ops.expand_dims(ops.arange(ops.shape(carry["scores"])[0], dtype="int32"), 1) * self.num_beams
        rows = BeamRows(first, np.arange(self.num_beams, dtype=np.int32))
        found = continue_beams(
            log_probabilities, carry["scores"], carry["lengths"], carry["done"], self.length_penalty, rows
        )
        of_beams = {name: carry[name] for name in ("done", "seen", "history", "length") if name in carry}
        continued = {name: ops.take(value, found.parent, axis=0) for name, value in of_beams.items()}
        states = {name: ops.take(value, found.parent, axis=0) for name, value in output.states.items()}
        new = self.advance(continued, found.token, states)
        written = ops.take(carry["written"], found.parent, axis=0)
        here = ops.equal(ops.arange(ops.shape(written)[1], dtype="int32"), index)
        new["written"] = ops.where(ops.expand_dims(here, 0), ops.expand_dims(new["token"], 1), written)
        return {**new, "scores": found.scores, "lengths": found.lengths}

    def result(self, carry: Carry) -> Any:
        """Returns the best text of each prompt: int32 (batch, max_new_tokens)."""
        return carry["written"][:: self.num_beams]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "num_beams": self.num_beams, "length_penalty": self.length_penalty}
