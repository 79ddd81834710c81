"""How long does it take to get the vectors of a vocabulary out of glove.6B.50d.txt?

    python benchmarks/glove_loading.py [--rounds 9] [--path vectors.txt]

Five ways, one after the other in each round, so that all meet the same machine in the same mood: reading the file's
bytes and doing nothing with them, a megabyte at a time and all at once, `read_vectors`, the textbook loop, and gensim.
The file is in the page cache. The textbook loop and gensim are slow, so they run in the first rounds only. Prints
medians and minima, and ratios of medians; checks that `read_vectors` and the textbook loop give the same table, bit
for bit.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from matplotlib.figure import Figure

from keras_seqkit import datasets
from keras_seqkit.text.vectors.word_vectors import read_vectors

WORDS, MISSING = 20_000, 500
SLOW_ROUNDS = 3
PICTURE = Path(__file__).parent / "output" / "glove_loading.png"


def make_vocabulary(path: Path) -> list[str]:
    """Draws words of the file, most of them, and adds some that are not in it."""
    with path.open(encoding="utf-8") as lines:
        words = [line.partition(" ")[0] for line in lines]
    drawn = np.random.default_rng(0).choice(len(words), WORDS - MISSING, replace=False)
    return ["[PAD]", *(words[i] for i in drawn), *(f"not-in-the-file-{i}" for i in range(MISSING - 1))]


def read_bytes(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 20):
            pass


def textbook_loop(path: Path, tokens: list[str]) -> np.ndarray:
    vector_of = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, *numbers = line.split()
            vector_of[word] = np.asarray(numbers, dtype="float32")
    table = np.zeros((len(tokens), len(next(iter(vector_of.values())))), dtype="float32")  # (vocab, dim)
    for row, token in enumerate(tokens):
        if token in vector_of:
            table[row] = vector_of[token]
    return table


def ours(path: Path, tokens: list[str]) -> np.ndarray:
    found = read_vectors(path, tokens)
    table = np.zeros((len(tokens), found.dim), dtype="float32")  # (vocab, dim)
    table[found.rows] = found.matrix
    return table


def seconds(work: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def measure(path: Path, tokens: list[str], rounds: int) -> dict[str, list[float]]:
    fast = {
        "reading the bytes": (read_bytes, path),
        "Path.read_bytes": (path.read_bytes,),
        "read_vectors": (ours, path, tokens),
    }
    slow = {
        "textbook loop": (textbook_loop, path, tokens),
        "gensim": (lambda: KeyedVectors.load_word2vec_format(path, no_header=True),),
    }
    times: dict[str, list[float]] = {name: [] for name in (*fast, *slow)}
    read_bytes(path)
    for number in range(rounds):
        for name, work in (fast | slow if number < SLOW_ROUNDS else fast).items():
            times[name].append(seconds(*work))
    return times


def draw(times: dict[str, list[float]], path: Path) -> None:
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    medians = [float(np.median(values)) for values in times.values()]
    bars = axes.barh(list(times), medians, color=["0.7", "0.7", "tab:blue", "0.7", "0.7"])
    axes.bar_label(bars, [f"{value:.2f} s" for value in medians], padding=3)
    axes.set(xscale="log", xlabel="seconds (median)", title=f"{WORDS:,} words out of {path.name}")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=150)
    print(f"picture: benchmarks/output/{PICTURE.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--path", type=Path, help="a GloVe text file; fetched where it is left out")
    options = parser.parse_args()
    path = options.path or datasets.glove(50)
    tokens = make_vocabulary(path)
    if not np.array_equal(ours(path, tokens), textbook_loop(path, tokens)):
        raise SystemExit("read_vectors and the textbook loop differ")

    times = measure(path, tokens, options.rounds)
    base, mine = np.median(times["reading the bytes"]), np.median(times["read_vectors"])
    print(f"{path.name}, {path.stat().st_size / 1e6:.0f} MB, {len(tokens):,} tokens, tables equal bit for bit")
    print(f"{'':20}{'median ms':>12}{'min ms':>10}{'x bytes':>10}{'x ours':>10}")
    for name, values in times.items():
        median = np.median(values)
        print(f"{name:20}{median * 1e3:12.1f}{min(values) * 1e3:10.1f}{median / base:10.1f}{median / mine:10.1f}")
    draw(times, path)


if __name__ == "__main__":
    main()
