"""One of the tokens that are not much less probable than the best."""

from typing import Any

from keras_seqkit.samplers.filters import keep_min_p
from keras_seqkit.samplers.sampler import Sampler, register


@register
class MinPSampler(Sampler):
    """Draws from the tokens at least `min_p` times as probable as the most probable one.

    Args:
        min_p: above 0, at most 1.
        **kwargs: as in `Sampler`.

    Raises:
        ValueError: `min_p` is out of its range.

    Example:
    >>> from keras_seqkit.samplers import MinPSampler
    >>> MinPSampler(min_p=0.1, temperature=1.5).min_p
    0.1

    Source:
        Nguyen et al. (2024), Turning up the heat: min-p sampling, arXiv:2407.01082.
    """

    def __init__(self, min_p: float = 0.05, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(min_p=min_p)
        self.check("min_p", min_p, 0 < min_p <= 1, "above 0 and at most 1")
        self.min_p = min_p

    def filter(self, logits: Any) -> Any:
        """See `Sampler`."""
        return keep_min_p(logits, self.min_p)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "min_p": self.min_p}
