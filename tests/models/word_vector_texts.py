"""What the suites of `SkipGram` and `CBOW` share: a corpus that can be learned, and the objective in NumPy."""

import numpy as np

PETS = ["cat", "dog", "hamster", "parrot", "rabbit"]
TOOLS = ["hammer", "saw", "drill", "wrench", "pliers"]
ABOUT_PETS = ["feeds", "furry", "sleeps", "purrs", "vet"]
ABOUT_TOOLS = ["nails", "steel", "workshop", "cuts", "screws"]


def grouped_texts(count: int = 600, seed: int = 0) -> list[str]:
    """Sentences about one pet or one tool: words of a group never meet each other, only the same contexts."""
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        group, about = ((PETS, ABOUT_PETS), (TOOLS, ABOUT_TOOLS))[random.integers(2)]
        one, two, three = random.choice(about, 3, replace=False)
        texts.append(f"{one} {two} {random.choice(group)} {three}")
    return texts


def negative_sampling_objective(given: np.ndarray, seen: np.ndarray, drawn: np.ndarray) -> float:
    """What equation 4 of arXiv:1310.4546 says of one example, with a minus before it.

    Args:
        given: the vector that predicts (dim,).
        seen: the output vector of the word that is seen (dim,).
        drawn: those of the words that are drawn (negatives, dim).
    """

    def log_sigmoid(score: float) -> float:
        return -np.log1p(np.exp(-score))

    return -(log_sigmoid(given @ seen) + sum(log_sigmoid(-(given @ vector)) for vector in drawn))
