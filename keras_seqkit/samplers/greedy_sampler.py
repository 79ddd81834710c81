"""Always the most probable token."""

from typing import Any

from keras_seqkit.samplers.sampler import Sampler, Settings, most_probable, register


@register
class GreedySampler(Sampler):
    """Takes the most probable token; of equals, the one with the smallest id.

    Its arguments are those of `Sampler`; a temperature changes nothing.

    Example:
    >>> from keras_seqkit.samplers import GreedySampler
    >>> GreedySampler(no_repeat_ngram_size=3).get_config()["no_repeat_ngram_size"]
    3
    """

    draws = False

    def choose(self, logits: Any, uniform: Any, settings: Settings) -> Any:
        """See `Sampler`."""
        del uniform, settings
        return most_probable(logits)
