"""The work around translating: sentences in, batches of about equal lengths, translations out."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.models.translation.sentence_pair_batches import SentencePairBatches, padded
from keras_seqkit.models.translation.translation_search import TranslationSearch
from keras_seqkit.text.limits import MAX_BEAMS, MAX_STEPS
from keras_seqkit.text.ngram_arguments import real_number
from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, UNKNOWN_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

Row = list[int]
SOURCE_STEP = 8  # what lengths of sources are rounded up to, so that few shapes are compiled


class Found(NamedTuple):
    """What a search found.

    Args:
        rows: the tokens of each sentence's translations, best first, `[END]` left out.
        scores: of each sentence's translations, float32 (translations,).
    """

    rows: list[list[Row]]
    scores: list[np.ndarray]


class TranslationWriter:
    """Translates with one model; compiled parts are kept for the next call.

    Args:
        translator: a `Seq2SeqTranslator`.
    """

    def __init__(self, translator: Any):
        self.translator = translator
        self.searches = {greedy: TranslationSearch(translator, greedy) for greedy in (True, False)}
        self.aligner = Aligner(translator)
        self.scorer = TargetScorer(translator)

    def translate(
        self,
        texts: list[str],
        num_beams: int,
        length_penalty: float,
        max_length: int,
        return_scores: bool,
        return_attention: bool,
        replace_unknown: bool,
        batch_size: int,
        num_return_sequences: int | None = None,
    ) -> Any:
        """See `Seq2SeqTranslator.translate`."""
        translator = self.translator
        wanted = 1 if num_return_sequences is None else num_return_sequences
        for name, value, most in (
            ("num_beams", num_beams, MAX_BEAMS),
            ("max_length", max_length, MAX_STEPS),
            ("batch_size", batch_size, None),
            ("num_return_sequences", wanted, None),
        ):
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise TypeError(f"Seq2SeqTranslator.translate: {name} is an integer; received {value!r}.")
            if value < 1 or (most is not None and value > most):
                limit = "at least 1" if most is None else f"from 1 to {most:,}"
                raise ValueError(f"Seq2SeqTranslator.translate: {name} is {limit}; received {value!r}.")
        if wanted > num_beams:
            raise ValueError(
                f"Seq2SeqTranslator.translate: num_return_sequences is num_beams={num_beams} at most, for so many are "
                f"searched; received {wanted}. Pass num_beams={wanted}."
            )
        if not math.isfinite(real_number("Seq2SeqTranslator.translate: length_penalty", length_penalty)):
            raise ValueError(f"Seq2SeqTranslator.translate: length_penalty is finite; received {length_penalty!r}.")
        if (return_attention or replace_unknown) and not translator.decoder.attends:
            raise ValueError(
                f"Seq2SeqTranslator.translate: decoder={translator.decoder_kind!r} has no attention. Leave "
                "return_attention and replace_unknown out."
            )
        sources = translator.source_vocabulary.encode_rows(texts)
        found = self.search(sources, num_beams, length_penalty, max_length, batch_size, wanted)
        # Each translation with its sentence, one behind the other.
        origins = [place for place, rows in enumerate(found.rows) for _ in rows]
        rows = [row for rows in found.rows for row in rows]
        attention: list[np.ndarray] = []
        if return_attention or replace_unknown:
            attention = self.align([sources[place] for place in origins], rows, batch_size)
        copies: list[dict[int, str]] = [{} for _ in rows]
        if replace_unknown:
            said = [texts[place] for place in origins]
            copies = [self._copies(*each) for each in zip(said, rows, attention, strict=True)]
        seen: Any = attention
        written: Any = [translator.join(row, each) for row, each in zip(rows, copies, strict=True)]
        if num_return_sequences is None:
            scores: Any = np.array([scores[0] for scores in found.scores], np.float32)
        else:
            ends = np.cumsum([0, *map(len, found.rows)]).tolist()
            written, seen = ([of[start:end] for start, end in pairwise(ends)] for of in (written, seen))
            scores = found.scores
        extras = [scores] * return_scores + [seen] * return_attention
        return (written, *extras) if extras else written

    def search(
        self,
        sources: list[Row],
        num_beams: int,
        length_penalty: float,
        max_length: int,
        batch_size: int,
        wanted: int = 1,
    ) -> Found:
        """Finds the best translations of encoded sentences, in their order: `wanted` of each, if there are so many."""
        rows: list[list[Row]] = [[] for _ in sources]
        scores: list[np.ndarray] = [np.zeros(0, np.float32)] * len(sources)
        for chosen in _by_length(sources, batch_size):
            inputs = {
                "ids": self._ids([sources[row] for row in chosen]),
                "room": np.arange(max_length, dtype=np.int32),
                "beam": np.arange(num_beams, dtype=np.int32),
                "length_penalty": np.float32(length_penalty),
            }
            written: Any = self.searches[num_beams == 1].predict_on_batch(inputs)
            for row, tokens, score in zip(chosen, written["tokens"], np.asarray(written["scores"]), strict=True):
                count = max(1, int(np.isfinite(score[:wanted]).sum()))  # a beam that was never begun has no score
                kept = np.asarray(tokens)[:count].tolist()
                rows[row] = [[token for token in each if token not in (PADDING_ID, END_ID)] for each in kept]
                scores[row] = score[:count]
        return Found(rows, scores)

    def align(self, sources: list[Row], targets: list[Row], batch_size: int) -> list[np.ndarray]:
        """Reads known translations: for each, what its tokens attend to, float32 (target time, time)."""
        found: list[np.ndarray] = [np.zeros(0)] * len(sources)
        for chosen in _by_length(sources, batch_size):
            inputs = {
                "source": self._ids([sources[row] for row in chosen]),
                "target": padded([[START_ID, *targets[row]] for row in chosen]),
            }
            weights: Any = self.aligner.predict_on_batch(inputs)
            for row, each in zip(chosen, weights, strict=True):
                found[row] = np.asarray(each, np.float32)[: len(targets[row]), : len(sources[row])]
        return found

    def loss(self, batches: SentencePairBatches) -> tuple[float, float]:
        """Returns the loss and the mean cross-entropy, nats a token of the targets.

        Where pairs have weights, both are weighted. As in Keras, the loss is divided by the number of tokens, and the
        mean by the sum of the weights, of which it is 0 where that is 0.
        """
        nats, tokens, weight = 0.0, 0, 0.0
        for index in range(len(batches)):
            inputs, next_tokens, weights = batches[index]
            scored: Any = self.scorer.predict_on_batch({**inputs, "next": next_tokens})
            nats -= float((np.asarray(scored, np.float64) * weights).sum())
            tokens += int((next_tokens != PADDING_ID).sum())
            weight += float(weights.sum())
        return nats / tokens, nats / weight if weight else 0.0

    def _ids(self, rows: list[Row]) -> np.ndarray:
        longest = max(map(len, rows))
        return pad_rows(rows, max(SOURCE_STEP, -(-longest // SOURCE_STEP) * SOURCE_STEP), "post")

    def _copies(self, text: str, row: Row, attention: np.ndarray) -> dict[int, str]:
        """Finds for each unknown token of a translation the token of the source with most attention."""
        tokens = self.translator.source_vocabulary.split(text)
        return {
            place: tokens[int(attention[place].argmax())]
            for place, token in enumerate(row)
            if token == UNKNOWN_ID and attention.shape[1]
        }


class Aligner(TracedAhead):
    """Gives the attention of known translations: ``source`` and ``target`` to float (batch, target time, time)."""

    def __init__(self, translator: Any):
        super().__init__(name="aligner", dtype="float32")  # whatever the global policy is
        self.translator = translator
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        """See the class."""
        return self.translator.teach(inputs)[1]


class TargetScorer(TracedAhead):
    """Gives the logarithms of the probabilities of known translations: float32 (batch, target time), 0 for padding.

    Args:
        translator: a `Seq2SeqTranslator`.

    Call:
        A dict: ``source``, ``target`` and ``next`` int32, as in `SentencePairBatches`.
    """

    def __init__(self, translator: Any):
        super().__init__(name="target_scorer", dtype="float32")  # whatever the global policy is
        self.translator = translator
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        """See the class."""
        log_probabilities = ops.log_softmax(self.translator.teach(inputs)[0])  # (batch, target time, vocab)
        chosen = ops.take_along_axis(log_probabilities, ops.expand_dims(inputs["next"], 2), axis=2)
        return ops.where(ops.not_equal(inputs["next"], PADDING_ID), ops.squeeze(chosen, 2), 0.0)


def _by_length(rows: list[Row], batch_size: int) -> list[np.ndarray]:
    """Parts the numbers of rows into batches of about equal lengths."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
