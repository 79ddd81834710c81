"""One of the fewest tokens that hold most of the probability."""

from typing import Any

from keras_seqkit.samplers.filters import keep_top_k, keep_top_p
from keras_seqkit.samplers.sampler import Sampler, register


@register
class TopPSampler(Sampler):
    """Draws from the fewest tokens whose probabilities add up to `p`: nucleus sampling.

    Args:
        p: above 0, at most 1.
        k: first keep only so many; `None`: all.
        **kwargs: as in `Sampler`.

    Raises:
        ValueError: `p` or `k` is out of its range.

    Example:
    >>> from keras_seqkit.samplers import TopPSampler
    >>> TopPSampler(p=0.9).p
    0.9

    Source:
        Holtzman et al. (2020), The curious case of neural text degeneration, arXiv:1904.09751.
    """

    def __init__(self, p: float = 0.1, k: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(p=p, k=1 if k is None else k)
        self.check("p", p, 0 < p <= 1, "above 0 and at most 1")
        self.check("k", k, k is None or k >= 1, "at least 1, or None")
        self.p = p
        self.k = k

    def filter(self, logits: Any) -> Any:
        """See `Sampler`."""
        return keep_top_p(logits if self.k is None else keep_top_k(logits, self.k), self.p)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "p": self.p, "k": self.k}
