"""How large what a config asks for may be.

A saved model is a config of a few numbers, and its layers take memory by them before a weight is read. These limits are
far above what texts need, and below what ends a process: a file that was damaged, or made to do harm, is refused
instead.
"""

from typing import Any

MAX_WIDTH = 16_384  # units, filters, sizes of embeddings: the kernel of so wide an LSTM has 4 GiB
MAX_LAYERS = 256
MAX_WINDOW = 1_024  # steps that are seen, pooled or compared together
MAX_STEPS = 1 << 20  # tokens of a text
MAX_BEAMS = 1_024
MAX_NUMBERS = 1 << 31  # of one weight: 8 GiB in float32


def check_limit(owner: str, name: str, value: Any, limit: int) -> None:
    """Checks that a number is not above its limit; what is no number is left to other checks.

    Args:
        owner: the class, for the error.
        name: the argument.
        value: what was received.
        limit: what is still allowed.

    Raises:
        ValueError: it is above.
    """
    if isinstance(value, (int, float)) and value > limit:
        raise ValueError(
            f"{owner}: {name} is {limit:,} at most; received {value:,}. If a file says so, it is damaged or not to be "
            "trusted."
        )


def check_numbers(owner: str, name: str, *shape: int) -> None:
    """Checks that a weight does not have too many numbers.

    Args:
        owner: the class, for the error.
        name: what the weight is.
        *shape: the lengths of its axes.

    Raises:
        ValueError: it has.
    """
    numbers = 1
    for length in shape:
        numbers *= length
    if numbers > MAX_NUMBERS:
        raise ValueError(
            f"{owner}: {name} of shape {shape} would have {numbers:,} numbers, and {MAX_NUMBERS:,} are allowed. "
            "Make it smaller; if a file says so, it is damaged or not to be trusted."
        )
