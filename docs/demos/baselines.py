"""What a classifier must beat: the most frequent label, and logistic regression on the words of a text."""

from collections import Counter
from collections.abc import Callable, Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from keras_seqkit.datasets import LabelledTexts

MAJORITY, REGRESSION = "always the most frequent label", "TF-IDF and logistic regression"
MOST_FEATURES = 100_000
INVERSE_REGULARIZATION = 10.0
MOST_STEPS = 1_000


def baseline_accuracies(
    train: LabelledTexts, test: LabelledTexts, split: Callable[[str], Sequence[str]]
) -> dict[str, float]:
    """Returns how much of a test part two baselines label rightly.

    Args:
        train: what both learn from.
        test: what both are asked.
        split: from a text to its words; the regression counts them, and pairs of neighbours.
    """
    [(frequent, _)] = Counter(sorted(train.labels)).most_common(1)
    words = TfidfVectorizer(
        tokenizer=lambda text: [*split(text)] or [text],  # a text without a word is a word
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
        max_features=MOST_FEATURES,
    )
    regression = make_pipeline(words, LogisticRegression(C=INVERSE_REGULARIZATION, max_iter=MOST_STEPS))
    found = regression.fit(train.texts, train.labels).predict(test.texts).tolist()
    answers = {MAJORITY: [frequent] * len(test.labels), REGRESSION: found}
    return {name: accuracy(test.labels, labels) for name, labels in answers.items()}


def accuracy(true: Sequence[str], predicted: Sequence[str]) -> float:
    """Returns the fraction of equal labels."""
    return sum(map(str.__eq__, true, predicted)) / len(true)
