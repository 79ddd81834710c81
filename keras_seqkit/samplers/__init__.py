"""How the next token is chosen: samplers on logits, in `keras.ops`, and the random numbers that they take.

Names and arguments are those of keras-hub and of transformers. A name is enough where the defaults will do:
``generate(prompts, sampler="top_p")``.
"""

from typing import Any

from keras_seqkit.samplers.beam_sampler import BeamSampler
from keras_seqkit.samplers.contrastive_sampler import ContrastiveSampler
from keras_seqkit.samplers.greedy_sampler import GreedySampler
from keras_seqkit.samplers.min_p_sampler import MinPSampler
from keras_seqkit.samplers.random_sampler import RandomSampler
from keras_seqkit.samplers.sampler import Sampler, Settings
from keras_seqkit.samplers.top_k_sampler import TopKSampler
from keras_seqkit.samplers.top_p_sampler import TopPSampler
from keras_seqkit.samplers.typical_sampler import TypicalSampler

SAMPLERS = {
    "greedy": GreedySampler,
    "random": RandomSampler,
    "top_k": TopKSampler,
    "top_p": TopPSampler,
    "min_p": MinPSampler,
    "typical": TypicalSampler,
    "beam": BeamSampler,
    "contrastive": ContrastiveSampler,
}
Greedy, Random, TopK, TopP = GreedySampler, RandomSampler, TopKSampler, TopPSampler
MinP, Typical, Beam, Contrastive = MinPSampler, TypicalSampler, BeamSampler, ContrastiveSampler

__all__ = [
    "Beam",
    "BeamSampler",
    "Contrastive",
    "ContrastiveSampler",
    "Greedy",
    "GreedySampler",
    "MinP",
    "MinPSampler",
    "Random",
    "RandomSampler",
    "Sampler",
    "Settings",
    "TopK",
    "TopKSampler",
    "TopP",
    "TopPSampler",
    "Typical",
    "TypicalSampler",
    "get",
]


def get(sampler: Any) -> Sampler:
    """Returns a sampler.

    Args:
        sampler: a `Sampler`, one of the names ``"greedy"``, ``"random"``, ``"top_k"``, ``"top_p"``, ``"min_p"``,
            ``"typical"``, ``"beam"`` and ``"contrastive"``, or `None`: a `RandomSampler`.

    Raises:
        ValueError: it is none of these.

    Example:
    >>> from keras_seqkit import samplers
    >>> samplers.get("greedy")  # doctest: +ELLIPSIS
    <keras_seqkit.samplers.greedy_sampler.GreedySampler object at ...>
    """
    if sampler is None:
        return RandomSampler()
    if isinstance(sampler, Sampler):
        return sampler
    if isinstance(sampler, str) and sampler in SAMPLERS:
        return SAMPLERS[sampler]()
    raise ValueError(f"samplers.get: a Sampler or one of {sorted(SAMPLERS)} is expected; received {sampler!r}.")
