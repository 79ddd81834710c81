"""Texts that Keras writes and texts that a file writes, side by side."""

from collections.abc import Sequence

from seqkit_onnx.comparison.verification import Verification


def compare_texts(
    expected: Sequence[str],
    received: Sequence[str],
    scores: Sequence[float] = (),
    own_scores: Sequence[float] = (),
) -> Verification:
    """Compares texts, and their scores where they have some.

    Args:
        expected: what Keras writes.
        received: what the file writes.
        scores: Keras's scores.
        own_scores: the file's.
    """
    different = tuple(pair for pair in zip(expected, received, strict=True) if pair[0] != pair[1])
    gaps = [abs(score - own) / max(1.0, abs(score)) for score, own in zip(scores, own_scores, strict=True)]
    same = 1.0 - len(different) / max(1, len(expected))
    found = Verification(float(max(gaps, default=0.0)), same, len(expected))
    found.texts, found.different = True, different
    return found
