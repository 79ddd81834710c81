"""Parts of a parallel corpus, of which no sentence is in two."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from keras_seqkit.datasets._splits import stable_rank

Pair = tuple[str, str]

_WORD = re.compile(r"\w+")


class SentencePairs(NamedTuple):
    """Sentences and their translations, in the same order. It unpacks as exactly two.

    Args:
        source: the sentences to translate.
        target: the translation of each.

    Example:
        >>> source, target = SentencePairs(["Bom dia."], ["Good morning."])
        >>> target
        ['Good morning.']
    """

    source: list[str]
    target: list[str]


class PairSplits(NamedTuple):
    """Three parts of a parallel corpus.

    Args:
        train: what a model learns from.
        validation: what settings are chosen on.
        test: what it is measured on, once.

    Example:
        >>> empty = SentencePairs([], [])
        >>> train, validation, test = PairSplits(SentencePairs(["Sim."], ["Yes."]), empty, empty)
        >>> train.target
        ['Yes.']
    """

    train: SentencePairs
    validation: SentencePairs
    test: SentencePairs


def sentence_key(text: str) -> str:
    """Return what two sentences share that differ only in case, white space and punctuation.

    Example:
        >>> sentence_key("  Salva o ficheiro. ") == sentence_key("SALVA  o ficheiro")
        True
    """
    return " ".join(_WORD.findall(text.casefold())) or "".join(text.split())


def split_pairs(
    pairs: tuple[Sequence[str], Sequence[str]], test_pairs: int = 1000, validation_pairs: int = 1000, seed: int = 0
) -> PairSplits:
    """Deal sentence pairs into three parts that share no sentence on either side.

    Sentences that differ only in case, white space and punctuation count as one. A source sentence has all its
    translations in the training part, or its most frequent one in one of the others. What would put a target
    sentence of the test part into another part, or one of the validation part into training, is left out. The
    order of the pairs does not matter, nor how often one repeats beside its other translations.

    Args:
        pairs: the sentences and their translations, as a `SentencePairs` or any two lists; those that repeat are
            made one.
        test_pairs: how many are in the test part.
        validation_pairs: how many are in the validation part. The test part does not depend on it.
        seed: another seed gives other parts.

    Returns:
        A `PairSplits`, each part in an order that the seed decides.

    Raises:
        ValueError: a number is negative, the lists differ in length, or too few pairs are left for the training part.

    Example:
        >>> source, target = ["Sim.", "Não.", "Olá!", "sim"], ["Yes.", "No.", "Hello!", "Yes"]
        >>> train, validation, test = split_pairs((source, target), test_pairs=1, validation_pairs=1)
        >>> [len(part.source) for part in (train, validation, test)]
        [1, 1, 1]
    """
    for name, number, least in (("test_pairs", test_pairs, 1), ("validation_pairs", validation_pairs, 0)):
        if number < least:
            raise ValueError(f"split_pairs: {name} is {number!r}, expected {least} or more.")
    sources = _translations(pairs)
    parts: tuple[list[Pair], ...] = ([], [])
    seen: set[str] = set()  # target sentences of the test and the validation part
    train: list[Pair] = []
    for key in sorted(sources, key=lambda key: (stable_rank(seed, key), key)):
        part = next((part for part, size in enumerate((test_pairs, validation_pairs)) if len(parts[part]) < size), None)
        if part is None:
            train += [pair for pair in sources[key] if sentence_key(pair[1]) not in seen]
        elif sentence_key(sources[key][0][1]) not in seen or part == 0:
            parts[part].append(sources[key][0])
            seen.add(sentence_key(sources[key][0][1]))
    test, validation = parts
    if len(test) < test_pairs or len(validation) < validation_pairs or not train:
        raise ValueError(
            f"split_pairs: {len(sources)} different sentences are too few for {test_pairs} test pairs and "
            f"{validation_pairs} validation pairs and some to train on. Ask for fewer, or for longer sentences."
        )
    train.sort(key=lambda pair: (stable_rank(seed, *pair), pair))
    return PairSplits(*map(_unzipped, (train, validation, test)))


def _translations(pairs: tuple[Sequence[str], Sequence[str]]) -> dict[str, list[Pair]]:
    """Return the different pairs of each source sentence by its key, the most frequent one first."""
    counts: Counter[Pair] = Counter(zip(*pairs, strict=True))
    written: defaultdict[Pair, Counter[Pair]] = defaultdict(Counter)
    for pair, count in counts.items():
        written[sentence_key(pair[0]), sentence_key(pair[1])][pair] = count
    groups: defaultdict[str, list[tuple[int, Pair]]] = defaultdict(list)
    for (key, _), ways in written.items():
        groups[key].append((-ways.total(), min(ways, key=lambda pair: (-ways[pair], pair))))
    return {key: [pair for _, pair in sorted(group)] for key, group in groups.items()}


def _unzipped(pairs: list[Pair]) -> SentencePairs:
    return SentencePairs([source for source, _ in pairs], [target for _, target in pairs])
