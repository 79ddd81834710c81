"""The work around translating: sentences in, batches of about equal lengths, translations out."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_seqkit.models.sentence_pair_batches import SentencePairBatches, padded
from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.models.translation_search import TranslationSearch
from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID, UNKNOWN_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

Row = list[int]
SOURCE_STEP = 8  # what lengths of sources are rounded up to, so that few shapes are compiled


class Found(NamedTuple):
    """What a search found.

    Args:
        rows: the tokens of each translation, `[END]` left out.
        scores: float32 (batch,).
    """

    rows: list[Row]
    scores: np.ndarray


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
    ) -> Any:
        """See `Seq2SeqTranslator.translate`."""
        translator = self.translator
        for name, value, least in (
            ("num_beams", num_beams, 1),
            ("max_length", max_length, 1),
            ("batch_size", batch_size, 1),
        ):
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise TypeError(f"Seq2SeqTranslator.translate: {name} is an integer; received {value!r}.")
            if value < least:
                raise ValueError(f"Seq2SeqTranslator.translate: {name} is at least {least}; received {value!r}.")
        if not math.isfinite(length_penalty):
            raise ValueError(f"Seq2SeqTranslator.translate: length_penalty is finite; received {length_penalty!r}.")
        if (return_attention or replace_unknown) and not translator.decoder.attends:
            raise ValueError(
                f"Seq2SeqTranslator.translate: decoder={translator.decoder_kind!r} has no attention. Leave "
                "return_attention and replace_unknown out."
            )
        sources = translator.source_vocabulary.encode_rows(texts)
        found = self.search(sources, num_beams, length_penalty, max_length, batch_size)
        attention: list[np.ndarray] = []
        if return_attention or replace_unknown:
            attention = self.align(sources, found.rows, batch_size)
        unknown = [{} for _ in texts]
        if replace_unknown:
            unknown = [self._copies(*each) for each in zip(texts, found.rows, attention, strict=True)]
        translations = [translator.join(row, copies) for row, copies in zip(found.rows, unknown, strict=True)]
        extras = [found.scores] * return_scores + [attention] * return_attention
        return (translations, *extras) if extras else translations

    def search(
        self, sources: list[Row], num_beams: int, length_penalty: float, max_length: int, batch_size: int
    ) -> Found:
        """Finds translations of encoded sentences, in their order."""
        rows: list[Row] = [[] for _ in sources]
        scores = np.zeros(len(sources), np.float32)
        for chosen in _by_length(sources, batch_size):
            inputs = {
                "ids": self._ids([sources[row] for row in chosen]),
                "room": np.arange(max_length, dtype=np.int32),
                "beam": np.arange(num_beams, dtype=np.int32),
                "length_penalty": np.float32(length_penalty),
            }
            written: Any = self.searches[num_beams == 1].predict_on_batch(inputs)
            for row, tokens, score in zip(chosen, written["tokens"].tolist(), written["scores"], strict=True):
                rows[row] = [token for token in tokens if token not in (PADDING_ID, END_ID)]
                scores[row] = score
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

    def loss(self, batches: SentencePairBatches) -> float:
        """Returns the mean cross-entropy, nats a token of the targets."""
        nats, tokens = 0.0, 0.0
        for index in range(len(batches)):
            inputs, next_tokens, weights = batches[index]
            scored: Any = self.scorer.predict_on_batch({**inputs, "next": next_tokens})
            nats -= float(np.asarray(scored, np.float64).sum())
            tokens += float(weights.sum())
        return nats / tokens

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
        super().__init__(name="aligner")
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
        super().__init__(name="target_scorer")
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
