"""One of the tokens that surprise as much as is to be expected."""

from typing import Any

from keras_seqkit.samplers.filters import keep_typical
from keras_seqkit.samplers.sampler import Sampler, register


@register
class TypicalSampler(Sampler):
    """Draws from the tokens whose information is nearest to the entropy, until they hold `typical_p`.

    Args:
        typical_p: above 0, at most 1.
        **kwargs: as in `Sampler`.

    Raises:
        ValueError: `typical_p` is out of its range.

    Example:
    >>> from keras_seqkit.samplers import TypicalSampler
    >>> TypicalSampler(typical_p=0.2).typical_p
    0.2

    Source:
        Meister et al. (2023), Locally typical sampling, arXiv:2202.00666.
    """

    def __init__(self, typical_p: float = 0.9, **kwargs: Any):
        super().__init__(**kwargs)
        self.check_numbers(typical_p=typical_p)
        self.check("typical_p", typical_p, 0 < typical_p <= 1, "above 0 and at most 1")
        self.typical_p = typical_p

    def filter(self, logits: Any) -> Any:
        """See `Sampler`."""
        return keep_typical(logits, self.typical_p)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "typical_p": self.typical_p}
