"""How accurate is a classifier of ours beside TF-IDF with logistic regression, and does its ONNX file agree with it?

    python benchmarks/accuracy.py [--seeds 3] [--only rt|r8] [--splits 5] [--quick]

Two tasks: film reviews, split by film (seed 0), and the topics of Reuters R8, with their published test part. Ours is
`recipes.py`, trained once for each seed, on all training texts, for a fixed number of epochs. The other is words and
pairs of words; its rule of tokens (scikit-learn's or ours) and its C are chosen on a fifth of the training texts (by
film for the reviews), then it is fitted on all of them. Each is measured on the test texts, which decide nothing. The
reviews are also dealt out in other ways, by film too.

Prints a table, and for the model of seed 0 how far its ONNX file is from Keras over all test texts; exits with 1 where
that is more than 1e-5, or where one label differs.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import seqkit_onnx
from matplotlib.figure import Figure
from recipes import RECIPES, Recipe, train
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from keras_seqkit import TextClassifier, Vocabulary
from keras_seqkit.datasets import LabelledTexts

PICTURE = Path(__file__).parent / "output" / "accuracy.png"
TOLERANCE = 1e-5  # of a probability: float32 sums taken in another order
TOKEN_RULES = {"scikit-learn's": {}, "ours": {"tokenizer": Vocabulary([]).rules.split, "token_pattern": None}}
STRENGTHS = (1, 3, 10, 30, 100, 300, 1000)
QUICK_TEXTS, QUICK_EPOCHS = 1_000, 1


class Baseline(NamedTuple):
    """What TF-IDF with logistic regression came to.

    Args:
        accuracy: on the test texts.
        rule: whose tokens.
        strength: C.
        seconds: to fit it once, the search for its settings left out.
    """

    accuracy: float
    rule: str
    strength: float
    seconds: float


class Result(NamedTuple):
    """What one task came to.

    Args:
        title: of the task.
        accuracies: of our classifier, for each seed.
        seconds: to train it, for each seed.
        baseline: the other one.
        count: test texts.
        difference: the largest between two probabilities of Keras and of the ONNX file.
        agreement: the fraction of texts with the same label in Keras and in the ONNX file.
    """

    title: str
    accuracies: list[float]
    seconds: list[float]
    baseline: Baseline
    count: int
    difference: float
    agreement: float

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.accuracies))

    @property
    def standard_error(self) -> float:
        """Of an accuracy, from the number of test texts alone."""
        return float(np.sqrt(self.mean * (1 - self.mean) / self.count))


def cut(part: LabelledTexts, limit: int | None) -> LabelledTexts:
    return LabelledTexts(part.texts[:limit], part.labels[:limit])


def fit_baseline(
    rule: str, strengths: tuple[float, ...], fitted_on: LabelledTexts, measured_on: LabelledTexts
) -> list[float]:
    """Returns the accuracy for each C."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **TOKEN_RULES[rule])
    fitted, measured = vectorizer.fit_transform(fitted_on.texts), vectorizer.transform(measured_on.texts)
    models = [LogisticRegression(C=strength, max_iter=1000).fit(fitted, fitted_on.labels) for strength in strengths]
    return [float(model.score(measured, measured_on.labels)) for model in models]


def measure_baseline(recipe: Recipe, limit: int | None) -> Baseline:
    parts = recipe.load(**recipe.held_out)
    some = [cut(part, limit) for part in parts]
    found = {
        (accuracy, rule, strength)
        for rule in TOKEN_RULES
        for strength, accuracy in zip(STRENGTHS, fit_baseline(rule, STRENGTHS, some[0], some[1]), strict=True)
    }
    _, rule, strength = max(found)
    whole, test = recipe.load()
    begin = time.perf_counter()
    [accuracy] = fit_baseline(rule, (strength,), cut(whole, limit), test)
    return Baseline(accuracy, rule, strength, time.perf_counter() - begin)


def check_file(model: TextClassifier, texts: Sequence[str]) -> Any:
    """Returns how far the model's ONNX file is from it on these texts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        seqkit_onnx.export(model, path, verify=True)
        return seqkit_onnx.verify(model, path, texts)


def measure(recipe: Recipe, seeds: int, quick: bool) -> Result:
    limit = QUICK_TEXTS if quick else None
    baseline = measure_baseline(recipe, limit)
    print(f"{recipe.title}: TF-IDF + LR {baseline.accuracy:.4f} (tokens {baseline.rule}, C {baseline.strength})")
    whole, test = recipe.load()
    accuracies, seconds, checks = [], [], []
    for seed in range(seeds):
        begin = time.perf_counter()
        model = train(recipe, *cut(whole, limit), seed, QUICK_EPOCHS if quick else recipe.epochs)
        seconds.append(time.perf_counter() - begin)
        predicted = model.predict_labels(test.texts, verbose=0)
        accuracies.append(float(np.mean(np.array(predicted) == np.array(test.labels))))
        print(f"{recipe.title}: seed {seed} {accuracies[-1]:.4f}, trained in {seconds[-1]:.0f} s", flush=True)
        if seed == 0:
            checks.append(check_file(model, test.texts))
    return Result(
        recipe.title,
        accuracies,
        seconds,
        baseline,
        len(test.texts),
        checks[0].largest_difference,
        checks[0].label_agreement,
    )


def print_table(results: list[Result]) -> None:
    print(f"\n{'':26}{'keras-seqkit':>14}{'TF-IDF + LR':>14}{'difference':>13}{'test texts':>12}{'std. error':>12}")
    for result in results:
        gain = 100 * (result.mean - result.baseline.accuracy)
        print(
            f"{result.title:26}{result.mean:14.2%}{result.baseline.accuracy:14.2%}{gain:+9.2f} pts"
            f"{result.count:12,}{100 * result.standard_error:8.2f} pts"
        )
    for result in results:
        each = ", ".join(f"{accuracy:.2%}" for accuracy in result.accuracies)
        print(
            f"\n{result.title}: seeds {each} (standard deviation {100 * np.std(result.accuracies):.2f} pts)\n"
            f"  seconds to train: ours {np.median(result.seconds):.0f} (median of the seeds), TF-IDF + LR "
            f"{result.baseline.seconds:.0f} (tokens {result.baseline.rule}, C {result.baseline.strength})\n"
            f"  Keras and its ONNX file, seed 0, all {result.count:,} test texts: largest difference of a probability "
            f"{result.difference:.1e}, same label {result.agreement:.2%}"
        )


def measure_splits(recipe: Recipe, baseline: Baseline, splits: int) -> None:
    """Prints a row for each way to deal the films out; one split's test part is too small to tell a point."""
    print(f"\n{recipe.title}, dealt out anew: model seed 0, TF-IDF + LR with the settings of split 0")
    gains = []
    for split in range(splits):
        whole, test = recipe.load(seed=split)
        model = train(recipe, *whole, 0, recipe.epochs)
        ours = float(np.mean(np.array(model.predict_labels(test.texts, verbose=0)) == np.array(test.labels)))
        [theirs] = fit_baseline(baseline.rule, (baseline.strength,), whole, test)
        gains.append(100 * (ours - theirs))
        print(f"  split {split}: {ours:.2%}, TF-IDF + LR {theirs:.2%}, difference {gains[-1]:+.2f} pts", flush=True)
    error = np.std(gains, ddof=1) / np.sqrt(splits)
    print(f"  mean difference of {splits} splits {np.mean(gains):+.2f} pts, standard error {error:.2f} pts")


def draw(results: list[Result]) -> None:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(results))
    sides = (
        (0.2, "TF-IDF + logistic regression", "0.7", [result.baseline.accuracy for result in results]),
        (-0.2, "keras-seqkit (mean of the seeds)", "tab:blue", [result.mean for result in results]),
    )
    for shift, name, color, values in sides:
        bars = axes.barh(places + shift, [100 * value for value in values], 0.38, label=name, color=color)
        axes.bar_label(bars, [f"{value:.1%}" for value in values], padding=8)
    for place, result in zip(places, results, strict=True):
        axes.plot([100 * value for value in result.accuracies], [place - 0.2] * len(result.accuracies), "k.", ms=4)
    axes.set_yticks(places, [result.title for result in results])
    axes.set(xlim=(0, 112), xticks=range(0, 101, 20), xlabel="accuracy on the test texts in %; dots: single seeds")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=150)
    print(f"\npicture: benchmarks/output/{PICTURE.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many models of ours to train (default: 3)")
    parser.add_argument("--only", choices=sorted(RECIPES), help="one task instead of both")
    parser.add_argument("--splits", type=int, default=5, help="how often to deal the films out (default: 5)")
    parser.add_argument("--quick", action="store_true", help="few texts, one epoch, one seed: does it run?")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"--seeds is at least 1; received {options.seeds}")
    chosen = [RECIPES[options.only]] if options.only else list(RECIPES.values())
    results = [measure(recipe, 1 if options.quick else options.seeds, options.quick) for recipe in chosen]
    print_table(results)
    if RECIPES["rt"] in chosen and options.splits > 1 and not options.quick:
        measure_splits(RECIPES["rt"], results[chosen.index(RECIPES["rt"])].baseline, options.splits)
    draw(results)
    if not all(result.difference <= TOLERANCE and result.agreement == 1 for result in results):
        raise SystemExit(f"the ONNX file differs from Keras by more than {TOLERANCE:g}, or in a label")


if __name__ == "__main__":
    main()
