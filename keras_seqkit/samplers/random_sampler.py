"""Any token, as often as it is probable."""

from keras_seqkit.samplers.sampler import Sampler, register


@register
class RandomSampler(Sampler):
    """Draws from the distribution itself: what `TextGenerator.generate` does by default.

    Its arguments are those of `Sampler`.

    Example:
    >>> from keras_seqkit.samplers import RandomSampler
    >>> RandomSampler(temperature=0.7).temperature
    0.7
    """
