"""What Hypothesis tries: logits with ties and impossible tokens, prompts, numbers, and constraints."""

import numpy as np
from hypothesis import strategies as st

from tests.samplers.fake_network import WORDS

IMPOSSIBLE = float("-inf")
# Numbers under 1e-38 are 0 for processors that say so: they tell nothing about samplers.
ANY_LOGIT = st.floats(-8, 8, width=32, allow_subnormal=False)
TIED_LOGIT = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 3.0])


@st.composite
def logits(draw, max_batch: int = 3, max_vocab: int = 9) -> np.ndarray:
    """float32 (batch, vocab), at least one possible token in each row."""
    vocab = draw(st.integers(2, max_vocab))
    one = draw(st.sampled_from([ANY_LOGIT, TIED_LOGIT, ANY_LOGIT | TIED_LOGIT | st.just(IMPOSSIBLE)]))
    row = st.lists(one, min_size=vocab, max_size=vocab).filter(lambda row: max(row) > IMPOSSIBLE)
    return np.array(draw(st.lists(row, min_size=1, max_size=max_batch)), np.float32)


FRACTIONS = st.floats(1 / 128, 1, width=32)
NUMBERS = st.integers(0, 2**23 - 1).map(lambda number: np.float32(number / 2**23))
SEEDS = st.integers(0, 2**32 - 1)
PROMPTS = st.lists(st.lists(st.sampled_from([1, *WORDS]), max_size=5), min_size=1, max_size=3)


def numbers(steps: int, batch: int, seed: int) -> np.ndarray:
    """float32 (time, batch), 0 up to 1."""
    return (np.random.default_rng(seed).integers(0, 2**23, (steps, batch)) / 2**23).astype(np.float32)


CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0.0, 0.5, 1.0, 2.0]),
        "repetition_penalty": st.sampled_from([0.5, 1.25, 3.0]),
        "no_repeat_ngram_size": st.integers(1, 3),
        "min_new_tokens": st.integers(1, 5),
        "banned_tokens": st.lists(st.sampled_from(["a", "b", 4, 6, 7]), max_size=3),
    },
)
