"""Sentence pairs as a translator's network takes them: encoded, in memory or a batch at a time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count, islice
from types import GeneratorType
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.text_batches import padded_time
from keras_seqkit.models.text_data import is_stream, is_text, is_tf_dataset, unpacked
from keras_seqkit.models.text_model import weights_of
from keras_seqkit.models.translation.sentence_pair_batches import Row, SentencePairBatches, pair_batch
from keras_seqkit.text.columns import text_column
from keras_seqkit.text.vocabulary import PADDING_ID

OWNER = "Seq2SeqTranslator"
SIDES = ("source", "target")


@dataclass(frozen=True)
class SentencePairs:
    """Sentence pairs in memory, encoded: `Examples` of a translator.

    Args:
        sources: the ids of each source sentence.
        targets: the ids of each target sentence.
        texts: for each pair its two sentences.
        weights: float32 (pairs,), or `None`.
    """

    sources: list[Row]
    targets: list[Row]
    texts: list[tuple[str, str]]
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sources)

    def split(self, fraction: float) -> tuple["SentencePairs", "SentencePairs"]:
        """Returns what is trained on, and the last `fraction`, which is held out.

        Raises:
            ValueError: one of them is empty.
        """
        kept = len(self) - int(len(self) * fraction)
        if not 0 < kept < len(self):
            raise ValueError(
                f"{OWNER}.fit: validation_split={fraction} of {len(self)} sentence pairs leaves {kept} to train on "
                f"and {len(self) - kept} to measure; at least one of each is expected."
            )
        return self._part(slice(kept)), self._part(slice(kept, None))

    def _part(self, part: slice) -> "SentencePairs":
        weights = None if self.weights is None else self.weights[part]
        return SentencePairs(self.sources[part], self.targets[part], self.texts[part], weights)

    def batches(
        self, batch_size: int, shuffle: bool | None = None, seed: int = 0, epoch: int = 0
    ) -> SentencePairBatches:
        """Returns batches: shuffled, in the order of the pairs, or, with `None`, sorted by length."""
        return SentencePairBatches(
            self.sources,
            self.targets,
            batch_size,
            seed if shuffle else None,
            epoch,
            weights=self.weights,
            in_order=shuffle is False,
        )

    def digest(self, weighted: bool = True) -> str:
        """Returns what tells other pairs from these; if `weighted`, other weights too."""
        found = hashlib.sha256()
        for row in [*self.sources, *self.targets]:
            found.update(np.asarray([len(row), *row], np.int64).tobytes())
        if weighted and self.weights is not None:
            found.update(self.weights.tobytes())
        return found.hexdigest()

    def digest_of_weights(self) -> str | None:
        """Returns what tells other weights from these; `None` where there are none."""
        return None if self.weights is None else hashlib.sha256(self.weights.tobytes()).hexdigest()


def encoded_pairs(translator: Any, sources: Any, targets: Any, sample_weight: Any = None) -> SentencePairs:
    """Encodes sentence pairs; those without a token on a side, or too long to be written, are left out.

    Args:
        translator: a `Seq2SeqTranslator`.
        sources: sentences, in any column.
        targets: their translations.
        sample_weight: a weight for each pair.

    Raises:
        TypeError: something is not a string.
        ValueError: the lists differ in length, no pair is left, or there is another number of weights.
    """
    texts = _paired(sources, targets)
    weights = weights_of(sample_weight, len(texts), OWNER)
    rows = _encoded(translator, texts)
    kept = [place for place, row in enumerate(rows) if _is_whole(translator, *row)]
    if not kept:
        raise ValueError(
            f"{OWNER}: of {len(rows)} sentence pairs, none has tokens on both sides and fewer than "
            f"max_length={translator.max_length} in its target. Pass more pairs, or a larger max_length."
        )
    return SentencePairs(
        [rows[place][0] for place in kept],
        [rows[place][1] for place in kept],
        [texts[place] for place in kept],
        None if weights is None else weights[kept],
    )


def encoded_batch(translator: Any, x: Any, y: Any, sample_weight: Any, first: bool) -> tuple:
    """Returns one batch as Keras takes it; see `TextModel.encode_batch`.

    A pair that `encoded_pairs` would leave out stays in its place, and weighs nothing.
    """
    if isinstance(x, dict):
        if not has_text(x):
            return _arrays(x, y, sample_weight)
        x, y = sides_of(x, y)
    if not is_text(x):
        raise TypeError(
            f"{OWNER}: the network takes {{'source': ids, 'target': ids}}, or texts of two languages; received "
            f"{type(x).__name__}."
        )
    if y is None:
        raise ValueError(
            f"{OWNER}: the network reads a source and a target, and received one column of texts. translate(texts) "
            "translates; for the logits of known translations pass {'source': texts, 'target': texts}."
        )
    texts = _paired(x, y)
    rows = _encoded(translator, texts)
    whole = np.array([_is_whole(translator, *row) for row in rows], np.float32)
    limit = translator.max_length - 1
    rows = [(source, target[:limit]) for source, target in rows]
    weights = weights_of(sample_weight, len(rows), OWNER)
    times = [padded_time((len(row[side]) + side for row in rows), first) for side in (0, 1)]  # [START] is one more
    inputs, next_tokens, of_tokens = pair_batch(rows, whole if weights is None else whole * weights, times)
    next_tokens[whole == 0] = PADDING_ID  # what is left out is not counted among the tokens
    return inputs, next_tokens, of_tokens


def sides_of(x: Any, y: Any) -> tuple[Any, Any]:
    """Returns sources and targets, where they may stand in a dict of both.

    Raises:
        ValueError: the dict has other keys, or the targets are given twice.
    """
    if not isinstance(x, dict) or not has_text(x):
        return x, y
    if set(x) != set(SIDES):
        raise ValueError(f"{OWNER}: texts in a dict stand under 'source' and 'target'; received {sorted(x)}.")
    if y is not None:
        raise ValueError(f"{OWNER}: the targets stand in the dict, under 'target'; received y too. Leave y out.")
    return x["source"], x["target"]


def has_text(x: dict[str, Any]) -> bool:
    """Whether a dict holds texts."""
    return any(each is not None and is_text(each) for each in x.values())


def read_pairs(
    x: Any, y: Any, sample_weight: Any, steps: int | None, batch_size: int, owner: str
) -> tuple[Any, tuple[list[str], list[str], Any] | None]:
    """Reads all texts of what `evaluate` was given.

    Args:
        x: sources, a stream, or arrays.
        y: targets, or `None`.
        sample_weight: a weight for each pair, or `None`.
        steps: how many batches are read; `None`: all.
        batch_size: of texts that stand in no batch.
        owner: the method, for errors.

    Returns:
        `x`, which is a stream still where it was one; and sources, targets and weights, or `None` if these are arrays.

    Raises:
        ValueError: a stream is empty.
    """
    if is_text(x):
        some = slice(None if steps is None else steps * batch_size)
        texts = [_column(side, name)[some] for side, name in ((x, "sources"), (y, "targets"))]
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float32).reshape(-1)[some]
        return x, (texts[0], texts[1], weights)
    if not is_stream(x):
        return x, None
    batches = _batches(x, batch_size)
    start = next(batches, None)
    if start is None:
        raise ValueError(f"{owner}: the stream gives no batch. Make a new one: a generator can be read once.")
    first = sides_of(*unpacked(start)[:2])
    if not is_text(first[0]):
        return (each for each in chain([start], batches)) if isinstance(x, GeneratorType) else x, None
    parts: list[tuple[list[str], list[str], Any]] = []
    for batch in islice(chain([start], batches), steps):
        sources, targets, weights = unpacked(batch)
        sources, targets = sides_of(sources, targets)
        parts.append((_column(sources, "sources"), _column(targets, "targets"), weights))
    weights = None if parts[0][2] is None else np.concatenate([np.reshape(part[2], -1) for part in parts])
    return x, (list(chain(*(part[0] for part in parts))), list(chain(*(part[1] for part in parts))), weights)


def _batches(stream: Any, batch_size: int) -> Iterator[Any]:
    """Yields the batches of a stream, once through; single texts of a `tf.data.Dataset` are batched."""
    if isinstance(stream, keras.utils.PyDataset):
        places = count() if stream.num_batches is None else range(stream.num_batches)
        yield from (stream[place] for place in places)
    elif is_tf_dataset(stream):
        specs = keras.tree.flatten(stream.element_spec)
        yield from (stream.batch(batch_size) if not specs[0].shape.rank else stream).as_numpy_iterator()
    else:
        yield from stream


def _column(texts: Any, name: str) -> list[str]:
    if texts is None:
        raise ValueError(f"{OWNER}: a translation is expected for each source sentence; received y=None.")
    return text_column(texts, f"{OWNER}: {name}")


def _paired(sources: Any, targets: Any) -> list[tuple[str, str]]:
    if targets is None:
        raise ValueError(f"{OWNER}: a translation is expected for each source sentence; received y=None.")
    if not is_text(targets):
        raise TypeError(
            f"{OWNER}: x is texts, so y is their translations, texts too; received {type(targets).__name__}."
        )
    sides = [text_column(side, f"{OWNER}: {name}") for side, name in ((sources, "sources"), (targets, "targets"))]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(f"{OWNER}: sources and targets are pairs; received {len(sides[0])} and {len(sides[1])}.")
    return list(zip(*sides, strict=True))


def _encoded(translator: Any, texts: list[tuple[str, str]]) -> list[tuple[Row, Row]]:
    sources = translator.source_vocabulary.encode_rows([source for source, _ in texts])
    targets = translator.target_vocabulary.encode_rows([target for _, target in texts])
    return list(zip(sources, targets, strict=True))


def _is_whole(translator: Any, source: Row, target: Row) -> bool:
    return bool(source) and 0 < len(target) < translator.max_length


def _arrays(x: dict[str, Any], y: Any, sample_weight: Any) -> tuple:
    """Returns arrays as they are; padding among the next tokens weighs nothing."""
    if y is None:
        return (x,)
    is_token = np.asarray(keras.ops.convert_to_numpy(y)) != PADDING_ID  # (batch, target time)
    weights = is_token.astype(np.float32)
    if sample_weight is None:
        return x, y, weights
    given = np.asarray(keras.ops.convert_to_numpy(sample_weight), np.float32)
    if len(given) != len(weights):
        raise ValueError(
            f"{OWNER}: sample_weight has a weight for each pair; received {len(given)} weights and {len(weights)} "
            "pairs."
        )
    return x, y, weights * (given[:, np.newaxis] if given.ndim == 1 else given)
