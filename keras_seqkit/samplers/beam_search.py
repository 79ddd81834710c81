"""One step of beam search, for generators and translators: what is scored, kept and continued."""

from typing import Any, NamedTuple

import keras

from keras_seqkit.text.vocabulary import PADDING_ID

ops: Any = keras.ops  # Keras's annotations know no tensors


class Continuations(NamedTuple):
    """The beams after a step, the best of each text first.

    Args:
        parent: int32 (batch * beams,), the row that each one continues.
        token: int32 (batch * beams,), what it continues it with.
        scores: float32 (batch, beams), sums of logarithms of probabilities.
        lengths: float32 (batch, beams), tokens written, `[END]` included.
    """

    parent: Any
    token: Any
    scores: Any
    lengths: Any


def first_scores(token: Any, beams: int) -> Any:
    """Returns the scores before the first step: all beams of a text are one, so only the first counts.

    Args:
        token: int32 (batch * beams,), for its shape.
        beams: how many beams a text has.

    Returns:
        float32 (batch, beams): 0, then minus infinity.
    """
    first = ops.cast(ops.equal(ops.arange(beams), 0), "float32")
    return ops.cast(ops.reshape(token * 0, (-1, beams)), "float32") + ops.where(first > 0, 0.0, float("-inf"))


def continue_beams(log_probabilities: Any, scores: Any, lengths: Any, done: Any, length_penalty: Any) -> Continuations:
    """Chooses the best continuations of all beams of each text.

    Continuations are ranked by ``score / length ** length_penalty``, and finished beams compete with them.

    Args:
        log_probabilities: float32 (batch * beams, vocab), of the next token.
        scores: float32 (batch, beams).
        lengths: float32 (batch, beams).
        done: bool (batch * beams,), which beams have ended: they go on with padding, at no cost.
        length_penalty: float, or float32 (): above 0 for longer texts.
    """
    beams, vocab = ops.shape(scores)[1], log_probabilities.shape[-1]
    is_padding = ops.equal(ops.arange(vocab, dtype="int32"), PADDING_ID)
    after_end = ops.where(is_padding, 0.0, float("-inf"))
    steps = ops.where(ops.expand_dims(done, 1), after_end, log_probabilities)  # (batch * beams, vocab)
    totals = ops.expand_dims(scores, 2) + ops.reshape(steps, (-1, beams, vocab))  # (batch, beams, vocab)
    new_lengths = lengths + 1.0 - ops.cast(ops.reshape(done, (-1, beams)), "float32")
    # A text that was done before its first token has length 0.
    ranks = totals / ops.expand_dims(ops.maximum(new_lengths, 1.0) ** length_penalty, 2)
    _, best = ops.top_k(ops.reshape(ranks, (-1, beams * vocab)), beams)  # (batch, beams)
    best = ops.cast(best, "int32")
    beam = best // vocab
    first_row = ops.expand_dims(ops.arange(ops.shape(best)[0], dtype="int32"), 1) * beams
    return Continuations(
        parent=ops.reshape(first_row + beam, (-1,)),
        token=ops.reshape(best % vocab, (-1,)),
        scores=ops.take_along_axis(ops.reshape(totals, (-1, beams * vocab)), best, axis=1),
        lengths=ops.take_along_axis(new_lengths, beam, axis=1),
    )
