"""Detokenizers with random tables, and what one makes of a prompt and of the words written behind it."""

from collections.abc import Sequence

import numpy as np

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import SPACES
from keras_seqkit.text.detokenization import Detokenizer


def random_detokenizer(vocabulary: Vocabulary, seed: int) -> Detokenizer:
    """Draws how each word is written: more than texts would teach, so that every case comes up."""
    random = np.random.default_rng(seed)
    tokens = vocabulary.tokens
    columns = random.random((3, len(tokens))) < 0.3
    columns[:, [0, 2, 3]] = True  # before a text begins, and where it ends
    forms = [f"{token.upper()}" if random.random() < 0.3 else token for token in tokens]
    return Detokenizer(forms, [f"<{form}" for form in forms], *(column.tolist() for column in columns))


def joined_as_one(vocabulary: Vocabulary, detokenizer: Detokenizer, prompt: str, tokens: Sequence[int]) -> str:
    """Returns a prompt and what `Detokenizer.join` writes behind it where it joins all words at once."""
    [ids] = vocabulary.encode_rows([prompt])
    behind = detokenizer.join([*ids, *tokens])[len(detokenizer.join(ids)) :]
    return prompt + (behind.removeprefix(" ") if prompt.endswith(SPACES) else behind)
