"""Parts of a corpus without labels."""

from typing import NamedTuple

from keras_seqkit.datasets._splits import require_fraction

TEST, VALIDATION, TRAIN = 0, 1, 2  # the test part is dealt first, so that it does not depend on the others


class TextSplits(NamedTuple):
    """Three parts of a corpus without labels.

    Args:
        train: what a model learns from.
        validation: what settings are chosen on.
        test: what it is measured on, once.

    Example:
        >>> train, validation, test = TextSplits(["To be,"], ["or not"], ["to be."])
        >>> validation
        ['or not']
    """

    train: list[str]
    validation: list[str]
    test: list[str]


def require_fractions(owner: str, test_fraction: float, validation_fraction: float) -> None:
    """Raise `ValueError` unless both are shares that leave something for training."""
    require_fraction(owner, "test_fraction", test_fraction, zero_is_allowed=False)
    require_fraction(owner, "validation_fraction", validation_fraction, zero_is_allowed=True)
    if test_fraction + validation_fraction >= 1:
        raise ValueError(
            f"{owner}: test_fraction {test_fraction} and validation_fraction {validation_fraction} "
            f"make {test_fraction + validation_fraction}, expected less than 1. Leave some for training."
        )


def split_texts(owner: str, rows: list[tuple[int, str]], validation_fraction: float) -> TextSplits:
    """Return the texts by their part number; raise `ValueError` where a part that was asked for is empty."""
    parts = TextSplits(*([text for its_part, text in rows if its_part == part] for part in (TRAIN, VALIDATION, TEST)))
    for name, texts in parts._asdict().items():
        if not texts and not (name == "validation" and validation_fraction == 0):
            raise ValueError(f"{owner}: no text is left for the {name} part. Choose other fractions.")
    return parts
