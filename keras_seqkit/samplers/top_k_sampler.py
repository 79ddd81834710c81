"""One of the k most probable tokens."""

from typing import Any

from keras_seqkit.samplers.filters import keep_top_k
from keras_seqkit.samplers.sampler import Sampler, register


@register
class TopKSampler(Sampler):
    """Draws from the `k` most probable tokens; what ties with the last of them stays too.

    Args:
        k: how many, at least 1; all, where the vocabulary has no more.
        **kwargs: as in `Sampler`.

    Raises:
        ValueError: `k` is below 1.

    Example:
    >>> from keras_seqkit.samplers import TopKSampler
    >>> TopKSampler(k=10, temperature=0.7).k
    10

    Source:
        Fan et al. (2018), Hierarchical neural story generation, arXiv:1805.04833.
    """

    def __init__(self, k: int = 5, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(k=k)
        self.check("k", k, k >= 1, "at least 1")
        self.k = k

    def filter(self, logits: Any) -> Any:
        """See `Sampler`."""
        return keep_top_k(logits, self.k)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "k": self.k}
