"""Kills trainings at random moments until they end, and compares: `python -m tests.killed_training --kills 50`.

Each model trains in one process after the other with `checkpoint=`; each process gets a SIGKILL at a moment that was
drawn: a batch, an operation on a file of the checkpoint, a time, or soon after new weights appear. The run that comes
to its end must have the weights, the optimizer's variables and the history of an undisturbed one, bit for bit.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

KINDS = ("step", "file", "time", "half-written")


def main() -> int:
    """Runs the kills; returns 1 where a run ended in another way than the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="of each model")
    parser.add_argument("--seed", type=int, help="the same one draws the same moments; without: a new one")
    parser.add_argument("--models", nargs="*", help="TextClassifier, ...; without: all")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    seed = int(time.time()) % 100_000 if arguments.seed is None else arguments.seed
    from tests.killed_training.lives import differences, killed_run, undisturbed_run
    from tests.killed_training.trainings import TRAININGS

    failed = 0
    print(f"seed {seed}")
    for name in arguments.models or TRAININGS:
        draw = random.Random(f"{name} {seed}")
        kinds: Counter[str] = Counter()
        runs = different = 0
        with tempfile.TemporaryDirectory() as folder:
            whole = undisturbed_run(name, Path(folder, "undisturbed"))
            while kinds.total() < arguments.kills:
                runs += 1
                left = arguments.kills - kinds.total()
                ending = killed_run(name, Path(folder, f"run {runs}"), whole, KINDS, draw, left)
                kinds.update(death.kind for death in ending.killed)
                found = differences(ending.arrays, whole.arrays)
                if found:
                    different += 1
                    print(f"DIFFERENT {name} after {ending.killed}: {', '.join(found)}", flush=True)
                print(f"{name}: {kinds.total()}/{arguments.kills} kills", end="\r", file=sys.stderr, flush=True)
        shown = ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS)
        print(f"{name:18} {kinds.total()} kills ({shown}) in {runs} runs, {different} different", flush=True)
        failed += different
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
