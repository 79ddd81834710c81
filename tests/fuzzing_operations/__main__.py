"""Exports random calls of `keras.ops` and layers, and compares each with Keras: `make fuzz-operations N=2000`.

About twenty cases are the outputs of one model; where it cannot be exported, or dies, they are tried in halves. Each
process checks a few hundred cases. A failure is tried again by `python -m tests.fuzzing_operations --only NAME SEED`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

CASES_OF_A_MODEL = 20
CASES_OF_A_PROCESS = 400
KINDS = ("equal", "refused", "different", "crashed", "invalid")


def main() -> int:
    """Runs the fuzzer; returns 1 where an answer differs from Keras's, or an export crashes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, help="the same one draws the same cases; without: a new one")
    parser.add_argument("--only", nargs=2, metavar=("NAME", "SEED"), help="one case, as a failure prints it")
    parser.add_argument("--part", nargs=2, type=int, help=argparse.SUPPRESS)  # what a process of its own is given
    arguments = parser.parse_args()
    seed = int(time.time()) % 100_000 if arguments.seed is None else arguments.seed
    if arguments.part:
        _check_part(seed, *arguments.part)
        return 0
    if arguments.only:
        return _check_one(arguments.only[0], int(arguments.only[1]))
    counts: Counter = Counter()
    for report in _reports(seed, arguments.cases):
        counts[report["kind"]] += 1
        counts[f"{report['kind']} {report['name']}"] += 1
        if report["kind"] in ("different", "crashed", "invalid"):
            print(f"\n{report['kind']}: --only {report['name']} {report['seed']}\n    {report['message']}", flush=True)
    _print_summary(counts, seed)
    return int(counts["different"] + counts["crashed"] > 0)


def _reports(seed: int, wanted: int) -> Iterator[dict[str, Any]]:
    """Yields a report for each case, from one process after the other."""
    for first in range(0, wanted, CASES_OF_A_PROCESS):
        last = min(first + CASES_OF_A_PROCESS, wanted)
        yield from _reports_of_a_process(seed, first, last)
        print(f"{last}/{wanted} cases", end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def _reports_of_a_process(seed: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yields the reports of some cases; where a process dies, those of a model's cases one by one."""
    done, lines = 0, _lines_of_a_process(seed, first, last)
    for line in lines:
        done += line["count"]
        yield from line["reports"]
    if first + done == last:
        return
    if last - first == 1:
        name, own_seed = _case(seed, first)
        yield {"name": name, "seed": own_seed, "kind": "crashed", "message": "the process died"}
        return
    begin = first + done
    end = min(begin + CASES_OF_A_MODEL, last)
    parts = (
        [(begin, end), (end, last)] if end - begin < last - first else [(each, each + 1) for each in range(begin, end)]
    )
    for part in parts:
        if part[0] < part[1]:
            yield from _reports_of_a_process(seed, *part)


def _lines_of_a_process(seed: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.fuzzing_operations", "--seed", str(seed), "--part", str(first), str(last)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        for line in process.stdout or ():
            if line.startswith('{"count"'):
                yield json.loads(line)


def _check_part(seed: int, first: int, last: int) -> None:
    """Checks some cases, a model at a time; writes a line after each."""
    _be_quiet()
    from tests.fuzzing_operations.parity import Case, check

    for begin in range(first, last, CASES_OF_A_MODEL):
        cases = [Case(*_case(seed, place)) for place in range(begin, min(begin + CASES_OF_A_MODEL, last))]
        reports = [
            {"name": verdict.case.name, "seed": verdict.case.seed, "kind": verdict.kind, "message": verdict.message}
            for verdict in check(cases)
        ]
        print(json.dumps({"count": len(cases), "reports": reports}), flush=True)


def _check_one(name: str, seed: int) -> int:
    _be_quiet()
    from tests.fuzzing_operations.parity import Case, check

    (verdict,) = check([Case(name, seed)])
    print(verdict.kind, verdict.message)
    return int(verdict.failed)


def _case(seed: int, place: int) -> tuple[str, int]:
    """Returns the case at a place: all names come in turn, each round with another seed."""
    _be_quiet()
    from tests.fuzzing_operations.parity import TABLE

    names = list(TABLE)
    return names[place % len(names)], seed * 1000 + place // len(names)


def _be_quiet() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def _print_summary(counts: Counter, seed: int) -> None:
    print(f"\nseed {seed}: {sum(counts[kind] for kind in KINDS)} cases")
    for kind in KINDS:
        print(f"{counts[kind]:8}  {kind}")
        names = [(count, name) for name, count in counts.items() if name.startswith(f"{kind} ") and kind != "equal"]
        for count, name in sorted(names, reverse=True):
            print(f"{count:16}  {name.removeprefix(kind + ' ')}")


if __name__ == "__main__":
    sys.exit(main())
