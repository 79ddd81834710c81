"""How probable a language model finds texts."""

import math
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.text.columns import text_column
from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, UNKNOWN_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

BITS_OF_A_BYTE = math.log2(257)  # of 256 bytes and an end, all as probable
STEPS_AT_ONCE = 256  # longer texts are read in parts, and the state is carried: memory does not grow with the text


class Scorer:
    """Scores texts with a `TextGenerator`, `batch_size` of them at once; what it compiles is kept for the next call.

    Args:
        generator: the model.
    """

    def __init__(self, generator: Any):
        self.generator = generator
        self.part = ScoredPart(generator)

    def log_prob(self, texts: list[str], batch_size: int) -> np.ndarray:
        """Returns the natural logarithm of each text's probability, `[END]` included: float64 (batch,)."""
        return self._scores(self._sequences(texts), batch_size)

    def evaluate(self, texts: list[str], batch_size: int) -> dict[str, float]:
        """Returns the loss in nats a token, the perplexity, bits a character, and the fraction of unknown tokens.

        A model says of an unknown token only that there is one. So that no vocabulary looks better for knowing less,
        each also costs what it takes to spell it: a code that gives each byte of UTF-8 and the token's end the same
        probability.
        """
        sequences = self._sequences(texts)
        nats = -float(self._scores(sequences, batch_size).sum())
        tokens = sum(len(sequence) - 1 for sequence in sequences)
        loss = nats / tokens
        unknown, spelling = self._spelling_bits(texts, sequences)
        characters = max(1, sum(map(len, texts)))
        with np.errstate(over="ignore"):
            perplexity = float(np.exp(loss))
        return {
            "loss": loss,
            "perplexity": perplexity,
            "bits_per_character": (nats / math.log(2.0) + spelling) / characters,
            "unknown": unknown / tokens,
        }

    def _spelling_bits(self, texts: list[str], sequences: list[list[int]]) -> tuple[int, float]:
        """Returns how many tokens are unknown, and the bits that it takes to spell them."""
        vocabulary = self.generator.vocabulary
        unknown = [
            token
            for text, sequence in zip(texts, sequences, strict=True)
            if UNKNOWN_ID in sequence
            for token, index in zip(vocabulary.split(text), sequence[1:-1], strict=True)
            if index == UNKNOWN_ID
        ]
        return len(unknown), sum(len(token.encode()) + 1 for token in unknown) * BITS_OF_A_BYTE

    def _sequences(self, texts: list[str]) -> list[list[int]]:
        rows = self.generator.vocabulary.encode_rows(texts)
        return [[START_ID, *row, END_ID] for row in rows]

    def _scores(self, sequences: list[list[int]], batch_size: int) -> np.ndarray:
        order = np.argsort([len(sequence) for sequence in sequences], kind="stable")
        scores = np.zeros(len(sequences))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            scores[batch] = self._batch_scores([sequences[index] for index in batch])
        return scores

    def _batch_scores(self, sequences: list[list[int]]) -> np.ndarray:
        longest = max(map(len, sequences)) - 1
        steps = min(STEPS_AT_ONCE, 1 << (longest - 1).bit_length())
        ids = pad_rows(sequences, -(-longest // steps) * steps + 1, "post")
        states: Any = {
            name: np.zeros((len(ids), size), np.float32) for name, size in self.generator.state_sizes.items()
        }
        total = np.zeros(len(ids))
        for start in range(0, ids.shape[1] - 1, steps):
            part = {"ids": ids[:, start : start + steps], "targets": ids[:, start + 1 : start + steps + 1]}
            scored: Any = self.part.predict_on_batch({**part, "states": states})
            states = scored["states"]
            total += np.asarray(scored["log_probabilities"], np.float64).sum(axis=1)
        return total


class ScoredPart(TracedAhead):
    """Scores a part of each text.

    Args:
        generator: a `TextGenerator`.

    Call:
        A dict: ``ids`` and ``targets`` int32 (batch, time), each target the token after its id; ``states``.

    Returns:
        A dict: ``log_probabilities`` float32 (batch, time), 0 where there is padding, and the new ``states``.
    """

    def __init__(self, generator: Any):
        super().__init__(name="scored_part", dtype="float32")
        self.generator = generator
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """See the class."""
        ids, targets = inputs["ids"], inputs["targets"]
        real = ops.not_equal(targets, PADDING_ID)
        outputs, states = self.generator.run(ids, inputs["states"], mask=real)
        log_probabilities = ops.log_softmax(self.generator.logits(outputs))  # (batch, time, vocab)
        chosen = ops.squeeze(ops.take_along_axis(log_probabilities, ops.expand_dims(targets, 2), axis=2), 2)
        return {"log_probabilities": ops.where(real, chosen, 0.0), "states": states}


def text_list(texts: Any) -> list[str]:
    """Returns texts as a list; one string is one text.

    Raises:
        TypeError: something is not a string.
        ValueError: there is none, or one holds a lone surrogate.
    """
    found = text_column(texts, "TextGenerator: texts")
    if not found:
        raise ValueError("TextGenerator: at least one text is expected; received an empty list.")
    return found
