"""What a change does to the files: operators, answers and time, of one checkout against another.

Each checkout exports the models of `reference_files.py`, in a process of its own; then each pair of files is opened,
counted, asked the same, and timed in turn:

    python benchmarks/comparison_of_checkouts.py OTHER_CHECKOUT
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from turns import turns

HERE = Path(__file__).resolve().parents[1]
BURST = 0.02  # seconds of calls in a turn, at least one
TOLERANCE = 0.05  # of a ratio of times; beyond it a line says so


class Compared(NamedTuple):
    """Two files of one model.

    Args:
        name: of the model.
        operators: what one has more of than the other, such as ``{"Cast": 2}`` where the newer one has two more.
        difference: the largest one between numbers; infinite where texts, shapes or dtypes differ.
        ratio: the newer file's time as a multiple of the older one's, the median over all turns; `None`: the files are
            the same, byte for byte, and nothing was timed.
    """

    name: str
    operators: dict[str, int]
    difference: float
    ratio: float | None


def export_in(checkout: Path, folder: Path) -> None:
    """Exports all models with the code of a checkout."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(checkout), str(checkout / "export")])}
    program = HERE / "benchmarks" / "reference_files.py"
    subprocess.run([sys.executable, program, folder], check=True, env=environment, cwd=checkout)


def operators(path: Path) -> Counter[str]:
    """Counts the nodes of a file, in loops and branches too."""
    return Counter(node.op_type for node in _nodes(onnx.load(path).graph))


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def questions(path: Path) -> list[dict[str, np.ndarray]]:
    """Reads what a file is to be asked: a list of feeds."""
    feeds: dict[int, dict[str, np.ndarray]] = {}
    with np.load(path) as arrays:
        for key, value in arrays.items():
            index, _, name = key.partition("/")
            feeds.setdefault(int(index), {})[name] = value.astype(object) if value.dtype.kind == "U" else value
    return [feeds[index] for index in sorted(feeds)]


def difference(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    """Returns the largest difference of two lists of outputs; infinite where they are of another kind."""
    worst = 0.0
    for old, new in zip(before, after, strict=True):
        if (old.shape, old.dtype) != (new.shape, new.dtype):
            return float("inf")
        if old.dtype == object:
            worst = max(worst, 0.0 if old.tolist() == new.tolist() else float("inf"))
        elif old.size:
            gaps = np.abs(old.astype(np.float64) - new.astype(np.float64))
            worst = max(worst, float(np.where(old == new, 0.0, gaps).max()))
    return worst


def compare(name: str, before: Path, after: Path, rounds: int) -> Compared:
    """Compares two files of one model."""
    paths = {"before": before / f"{name}.onnx", "after": after / f"{name}.onnx"}
    if paths["before"].read_bytes() == paths["after"].read_bytes():
        return Compared(name, {}, 0.0, None)
    counts = {which: operators(path) for which, path in paths.items()}
    changed = {kind: counts["after"][kind] - counts["before"][kind] for kind in counts["before"] | counts["after"]}
    sessions = {which: _session(path) for which, path in paths.items()}
    feeds = questions(before / f"{name}.npz")
    worst = max(difference(*(session.run(None, feed) for session in sessions.values())) for feed in feeds)
    times: dict[str, list[float]] = {which: [] for which in sessions}
    for which, session in turns(sessions, rounds):
        times[which].append(_seconds(session, feeds))
    ratio = statistics.median(new / old for old, new in zip(times["before"], times["after"], strict=True))
    return Compared(name, {kind: count for kind, count in sorted(changed.items()) if count}, worst, ratio)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # of settings that are inputs it warns each time
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _seconds(session: Any, feeds: list[dict[str, np.ndarray]]) -> float:
    """Seconds for all questions, in a burst of them after one that is not counted."""
    runs = 0
    for feed in feeds:
        session.run(None, feed)
    begin = time.perf_counter()
    while not runs or time.perf_counter() - begin < BURST:
        for feed in feeds:
            session.run(None, feed)
        runs += 1
    return (time.perf_counter() - begin) / runs


def line(compared: Compared) -> str:
    """One row of the table."""
    nodes = ", ".join(f"{count:+d} {kind}" for kind, count in compared.operators.items()) or "the same"
    answers = "the same" if compared.difference == 0 else f"{compared.difference:.1e}"
    if compared.ratio is None:
        return f"{compared.name:36}{answers:>10}          the same file"
    slower = "  SLOWER" if compared.ratio > 1 + TOLERANCE else ""
    return f"{compared.name:36}{answers:>10}  {compared.ratio:5.2f}x  {nodes}{slower}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="another checkout, such as a git worktree of the commit before")
    parser.add_argument("--after", type=Path, default=HERE, help="the newer checkout (default: this one)")
    parser.add_argument("--rounds", type=int, default=15, help="turns (default: 15)")
    parser.add_argument("--folder", type=Path, help="where the files are kept; files that are there are not made anew")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for which in ("before", "after"):
            if not (folder / which).is_dir():
                export_in(getattr(arguments, which).resolve(), folder / which)
        names = sorted(path.stem for path in (folder / "before").glob("*.npz"))
        print(f"{'file':36}{'answers':>10}{'time':>8}  operators")
        found = []
        for name in names:
            found.append(compare(name, folder / "before", folder / "after", arguments.rounds))
            print(line(found[-1]), flush=True)
    other = [each.name for each in found if each.difference or each.operators]
    print(f"{len(found)} files, {len(other)} other than before{': ' if other else ''}{', '.join(other)}")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
