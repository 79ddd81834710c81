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


class BeamRows(NamedTuple):
    """Which rows are the beams of which text.

    Args:
        first: int32 (batch, 1), the row of each text's first beam: 0, beams, 2 * beams, ...
        beam: int32 (beams,): 0, 1, 2, ...
    """

    first: Any
    beam: Any


def continue_beams(
    log_probabilities: Any, scores: Any, lengths: Any, done: Any, length_penalty: Any, rows: BeamRows
) -> Continuations:
    """Chooses the best continuations of all beams of each text.

    Continuations are ranked by ``score / length ** length_penalty``, and finished beams compete with them.

    Args:
        log_probabilities: float32 (batch * beams, vocab), of the next token.
        scores: float32 (batch, beams).
        lengths: float32 (batch, beams).
        done: bool (batch * beams,), which beams have ended: they go on with padding, at no cost.
        length_penalty: float, or float32 (): above 0 for longer texts.
        rows: which rows are whose.
    """
    batch, beams, vocab = ops.shape(rows.first)[0], ops.shape(rows.beam)[0], log_probabilities.shape[-1]
    # No more of a beam's continuations than there are beams can be among the best.
    kept = min(beams, vocab) if isinstance(beams, int) else ops.minimum(beams, vocab)
    steps, tokens = ops.top_k(log_probabilities, kept)  # (batch * beams, kept)
    after_end = ops.where(ops.equal(rows.beam[:kept], 0), 0.0, float("-inf"))
    ended = ops.expand_dims(done, 1)
    steps = ops.where(ended, after_end, steps)
    tokens = ops.where(ended, PADDING_ID, ops.cast(tokens, "int32"))
    totals = ops.expand_dims(scores, 2) + ops.reshape(steps, (batch, beams, -1))  # (batch, beams, kept)
    new_lengths = lengths + 1.0 - ops.cast(ops.reshape(done, (batch, beams)), "float32")
    # A text that was done before its first token has length 0.
    ranks = totals / ops.expand_dims(ops.maximum(new_lengths, 1.0) ** length_penalty, 2)
    _, best = ops.top_k(ops.reshape(ranks, (batch, -1)), beams)  # (batch, beams)
    best = ops.cast(best, "int32") + rows.first * kept  # of all texts
    # best // kept, which an exported step would guard against kept = 0; float32 is exact here below 2 ** 23.
    parent = ops.cast(ops.cast(best, "float32") / ops.cast(kept, "float32"), "int32")
    parent = ops.reshape(parent, (-1,))
    return Continuations(
        parent=parent,
        token=ops.take(ops.reshape(tokens, (-1,)), ops.reshape(best, (-1,)), axis=0),
        scores=ops.take(ops.reshape(totals, (-1,)), best, axis=0),
        lengths=ops.reshape(ops.take(ops.reshape(new_lengths, (-1,)), parent, axis=0), (batch, beams)),
    )
