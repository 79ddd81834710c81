"""Exports random models and compares each with Keras: `make fuzz N=2000`, or `python -m tests.fuzzing --models 2000`.

Models are checked in processes of their own, a few hundred in each, so that memory does not grow and a process that
dies takes one model with it. What a failure prints is Python: with `from tests.fuzzing.model_descriptions import *` and
`from tests.fuzzing.model_parity import check`, `check(Description(...))` tries it again.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

ROUNDS_OF_A_PROCESS = 25  # of about nine models each
ROUNDS_OF_A_SEED = 1_000_000
TRIES_OF_A_SHRINK = 40
SHRINKS_OF_A_KIND = 2
KINDS = ("equal", "refused", "different", "crashed", "invalid")


def main() -> int:
    """Runs the fuzzer; returns 1 where a model answers otherwise than Keras, or crashes."""
    arguments = _arguments()
    if arguments.rounds:
        _check_rounds(*arguments.rounds)
        return 0
    reports = list(_all_reports(arguments.seed, arguments.models))
    _print_summary(reports, arguments.seed)
    return int(any(report["failed"] for report in reports))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=2000, help="how many models")
    parser.add_argument("--seed", type=int, help="the same one draws the same models; without: a new one")
    parser.add_argument("--rounds", type=int, nargs=2, help=argparse.SUPPRESS)  # what a process of its own is given
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = int(time.time()) % 100_000
    return arguments


def _all_reports(seed: int, wanted: int) -> Iterator[dict[str, Any]]:
    """Yields a report for each model, from one process after the other."""
    counts: Counter = Counter()
    start = seed * ROUNDS_OF_A_SEED
    while counts.total() < wanted:
        for report in _reports_of_a_process(start, start + ROUNDS_OF_A_PROCESS):
            counts[report["kind"]] += 1
            if report["failed"]:
                _print_failure(report)
            _print_progress(counts, wanted)
            yield report
            if counts.total() == wanted:
                return
        start += ROUNDS_OF_A_PROCESS


def _reports_of_a_process(first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yields the reports of some rounds, and of the model on which their process died."""
    command = [sys.executable, "-m", "tests.fuzzing", "--rounds", str(first), str(last)]
    begun: dict[str, Any] = {}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            for line in process.stdout or ():
                if line.startswith('{"round"'):
                    report = json.loads(line)
                    begun = {} if "kind" in report else report
                    if not begun:
                        yield report
            process.wait()
        finally:
            process.terminate()
        if process.returncode:
            errors.seek(0)
            message = f"the process ended with {process.returncode}\n{errors.read()[-2000:]}"
            if not begun:
                raise SystemExit(message)
            yield begun | {"kind": "crashed", "failed": True, "message": message}


def _check_rounds(first: int, last: int) -> None:
    """Checks the models of some rounds; writes a line before and after each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import gc

    from tests.fuzzing.model_parity import check
    from tests.fuzzing.random_models import drawn, shrunk

    seen, shrinks = set(), Counter()
    for number in range(first, last):
        for description in drawn(number):
            if description in seen:
                continue
            seen.add(description)
            report = {"round": number, "model": repr(description)}
            print(json.dumps(report), flush=True)
            verdict = check(description)
            report |= {"kind": verdict.kind, "failed": verdict.failed, "message": verdict.message}
            sort = _sort(verdict.kind, verdict.message)
            if verdict.failed and shrinks[sort] < SHRINKS_OF_A_KIND:
                shrinks[sort] += 1
                simplest = shrunk(number, description, _fails_as(sort), TRIES_OF_A_SHRINK)
                report |= {"simplest": repr(simplest), "message": check(simplest).message}
            print(json.dumps(report), flush=True)
            gc.collect()


def _fails_as(sort: str) -> Any:
    from tests.fuzzing.model_parity import check

    def fails(description: Any) -> bool:
        verdict = check(description)
        return verdict.failed and _sort(verdict.kind, verdict.message) == sort

    return fails


def _sort(kind: str, message: str) -> str:
    """What failures have in common that are probably one: an error without the names and figures in it."""
    if kind in ("equal", "different"):
        return kind
    errors = [line for line in message.splitlines() if re.match(r"[\w.]+(Error|Exception|Fail)\b", line)]
    return f"{kind}: {_without_names(errors[-1] if errors else message[-200:])}"


def _without_names(text: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"|\([^()]*\)|\d+", "…", text)


def _print_progress(counts: Counter, wanted: int) -> None:
    done = counts.total()
    if sys.stderr.isatty() or done % 50 == 0 or done == wanted:
        line = f"{done}/{wanted} models: " + ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        print(line, end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def _print_failure(report: dict[str, Any]) -> None:
    print(f"\n{report['kind']} (round {report['round']}): {report.get('simplest', report['model'])}")
    print("\n".join(f"    {line}" for line in report["message"].splitlines()), flush=True)


def _print_summary(reports: list[dict[str, Any]], seed: int) -> None:
    print(f"\nseed {seed}: {len(reports)} models")
    counts = Counter(report["kind"] for report in reports)
    for kind in KINDS:
        print(f"{counts[kind]:8}  {kind}")
    sorts = Counter(_sort(each["kind"], each["message"]) for each in reports if each["kind"] != "equal")
    for sort, count in sorts.most_common():
        print(f"{count:8}  {sort}")


if __name__ == "__main__":
    sys.exit(main())
