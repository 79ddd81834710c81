"""What is reached without a network: the source as it is, and a dictionary learnt from the training pairs.

The dictionary is IBM Model 1: for each Portuguese word, how probable each English word is as its translation, learnt
from which words stand in pairs together. A sentence is translated word by word, in the order of its words, each by the
most probable one; an unknown word is copied. Both floors are printed, scored by sacrebleu:

    python benchmarks/translation_baselines.py --source software --max-words 15
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from keras_seqkit import datasets
from keras_seqkit.evaluation import translation_scores

TOKEN = re.compile(r"\w+(?:[-'\u2019]\w+)*|[^\w\s]")
CLOSING, OPENING = frozenset(".,;:?!)]}%…"), frozenset("([{")
NULL = ""  # a source word in each sentence, for target words that translate none
ROUNDS = 10


def tokens_of(text: str) -> list[str]:
    """Returns words and punctuation in lower case."""
    return TOKEN.findall(text.lower())


class Dictionary:
    """Translates word by word with what IBM Model 1 learns from sentence pairs.

    Args:
        source: the sentences to learn from.
        target: their translations.
        rounds: how often the probabilities are estimated anew.

    Source: Brown et al., "The Mathematics of Statistical Machine Translation", 1993.
    """

    def __init__(self, source: Sequence[str], target: Sequence[str], rounds: int = ROUNDS):
        pairs = [([NULL, *tokens_of(left)], tokens_of(right)) for left, right in zip(source, target, strict=True)]
        self.source_words = sorted({word for left, _ in pairs for word in left})
        self.target_words = sorted({word for _, right in pairs for word in right})
        self.source_id = {word: number for number, word in enumerate(self.source_words)}
        target_id = {word: number for number, word in enumerate(self.target_words)}

        # One row for each (target word in its place, source word of the same sentence).
        places, lefts, rights, first = [], [], [], 0
        for left, right in pairs:
            ids = np.array([self.source_id[word] for word in left])
            others = np.array([target_id[word] for word in right], dtype=int)
            lefts.append(np.tile(ids, len(right)))
            rights.append(np.repeat(others, len(left)))
            places.append(np.repeat(np.arange(first, first + len(right)), len(left)))
            first += len(right)
        place = np.concatenate(places)  # (rows,)
        both = np.concatenate(lefts) * len(self.target_words) + np.concatenate(rights)  # (rows,)
        kinds, row_kind = np.unique(both, return_inverse=True)  # (kinds,), (rows,): word pairs that occur
        self.kind_source, self.kind_target = np.divmod(kinds, len(self.target_words))
        self.probability = np.ones(len(kinds))  # (kinds,): of the target word, given the source word
        for _ in range(rounds):
            weight = self.probability[row_kind]  # (rows,)
            weight /= np.bincount(place, weight)[place]  # which source word a target word comes from
            count = np.bincount(row_kind, weight)  # (kinds,)
            self.probability = count / np.bincount(self.kind_source, count)[self.kind_source]
        # The most probable target word of each source word: the last one after sorting by probability.
        order = np.lexsort((self.probability, self.kind_source))
        last = np.append(np.diff(self.kind_source[order]) > 0, True)
        self.best = {
            self.source_words[self.kind_source[kind]]: self.target_words[self.kind_target[kind]] for kind in order[last]
        }
        self.written = _usual_writing(target)

    def probabilities(self, word: str) -> dict[str, float]:
        """Returns how probable each target word is as the translation of a source word."""
        found = np.flatnonzero(self.kind_source == self.source_id[word])
        return {self.target_words[self.kind_target[kind]]: float(self.probability[kind]) for kind in found}

    def translate(self, text: str) -> str:
        """Returns the translation of each word, joined as a sentence is written."""
        words = []
        for token in TOKEN.findall(text):
            best = self.best.get(token.lower())
            words.append(token if best is None else self.written.get(best, best))
        return joined(words, capital=text[:1].isupper())


def _usual_writing(texts: Sequence[str]) -> dict[str, str]:
    """Returns how each word is mostly written where it does not begin a sentence."""
    counts = Counter(word for text in texts for word in TOKEN.findall(text)[1:])
    return {word.lower(): word for word, _ in sorted(counts.items(), key=lambda item: (item[1], item[0]))}


def joined(words: Sequence[str], capital: bool) -> str:
    """Joins words and punctuation as they are written.

    Example:
        >>> joined(["yes", "(", "maybe", ")", ",", "no", "."], capital=True)
        'Yes (maybe), no.'
    """
    text = ""
    for before, word in zip(["", *words], words, strict=False):
        text += word if not text or word in CLOSING or before in OPENING else f" {word}"
    return text[:1].upper() + text[1:] if capital else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=["verses", "software"], default="software")
    parser.add_argument("--max-words", type=int, default=None)
    parser.add_argument("--examples", type=int, default=5)
    given = parser.parse_args()
    train, _, test = datasets.portuguese_english(given.source, given.max_words)
    begin = time.perf_counter()
    dictionary = Dictionary(*train)
    print(f"{given.source}: {len(train.source):,} training pairs, learnt in {time.perf_counter() - begin:.1f} s")
    written = [dictionary.translate(text) for text in test.source]
    print("| baseline | BLEU | chrF |\n| --- | --- | --- |")
    for name, texts in (("the source, copied", test.source), ("dictionary, word by word", written)):
        scores = translation_scores(texts, test.target)
        print(f"| {name} | {scores.bleu:.1f} | {scores.chrf:.1f} |")
    print(f"\n{scores.bleu_signature}\n{scores.chrf_signature}\n")
    for row in list(zip(test.source, written, test.target, strict=True))[: given.examples]:
        print("\n".join(row), end="\n\n")


if __name__ == "__main__":
    main()
