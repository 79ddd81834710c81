"""A training in processes of its own, each of which is killed at a moment that was drawn, but for the last."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Processes that are forked from one in which TensorFlow is imported, and has done nothing, start in no time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.killed_training.trainings"])
RESULT, MEASURED = "result.npz", "measured.json"
PATIENCE_SECONDS = 300


class Death(NamedTuple):
    """When a process dies.

    Args:
        kind: ``"step"``: as the batch of that number begins; ``"file"``: before that operation on a file of the
            checkpoint; ``"time"``: after so many seconds; ``"half-written"``: so many seconds after new weights appear.
        moment: the number, or the seconds.
    """

    kind: str
    moment: float


class Undisturbed(NamedTuple):
    """A run that was not killed: what it ended with, and what its moments are drawn from."""

    arrays: dict[str, np.ndarray]
    measured: dict[str, float]


class Ending(NamedTuple):
    """What a run ended with, and how often it was killed before."""

    arrays: dict[str, np.ndarray]
    killed: list[Death]


def undisturbed_run(name: str, folder: Path) -> Undisturbed:
    """Trains in one process to the end."""
    folder.mkdir()
    started = time.monotonic()
    exit_code = _live(name, folder, None)
    if exit_code:
        raise RuntimeError(f"the training of a {name} ended with {exit_code}")
    measured = json.loads((folder / MEASURED).read_text())
    return Undisturbed(_arrays(folder), {**measured, "time": time.monotonic() - started, "half-written": 0.02})


def draw_death(undisturbed: Undisturbed, kinds: tuple[str, ...], draw: random.Random) -> Death:
    """Draws a moment of a run."""
    kind = draw.choice(kinds)
    last = undisturbed.measured[kind]
    return Death(kind, draw.randint(1, int(last)) if kind in ("step", "file") else draw.uniform(0, last))


def killed_run(
    name: str, folder: Path, undisturbed: Undisturbed, kinds: tuple[str, ...], draw: random.Random, most: int
) -> Ending:
    """Trains in one process after the other, each killed where it is said, until one comes to the end.

    Args:
        name: one of `TRAININGS`.
        folder: a new one.
        undisturbed: the run that moments are drawn from.
        kinds: of deaths.
        draw: draws them.
        most: so many are killed at most; the next is left alone.
    """
    folder.mkdir()
    killed: list[Death] = []
    while not (folder / RESULT).exists():
        death = draw_death(undisturbed, kinds, draw) if len(killed) < most else None
        exit_code = _live(name, folder, death)
        if exit_code == -signal.SIGKILL and death is not None:
            killed.append(death)
        elif exit_code:
            raise RuntimeError(f"after {killed} and {death} the training of a {name} ended with {exit_code}")
    return Ending(_arrays(folder), killed)


def differences(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> list[str]:
    """Names what is not the same, bit for bit."""
    return sorted(
        name
        for name in {*one, *two}
        if name not in one or name not in two or one[name].tobytes() != two[name].tobytes()
    )


def _arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / RESULT) as file:
        return dict(file)


def _live(name: str, folder: Path, death: Death | None) -> int:
    """Runs one process; returns its exit code."""
    process = PROCESSES.Process(target=train_until_killed, args=(name, str(folder), death))
    process.start()
    if death is not None and death.kind == "time":
        process.join(death.moment)
        process.kill()
    if death is not None and death.kind == "half-written":
        _wait_for_new_weights(process, folder)
        time.sleep(death.moment)
        process.kill()
    process.join(PATIENCE_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"the training of a {name} took more than {PATIENCE_SECONDS} s")
    return process.exitcode


def _wait_for_new_weights(process: Any, folder: Path) -> None:
    before = _weights(folder)
    while process.is_alive() and not _weights(folder) - before:
        time.sleep(0.0005)


def _weights(folder: Path) -> set[tuple[str, int]]:
    checkpoint = folder / "checkpoint"
    if not checkpoint.exists():
        return set()
    return {(entry.name, entry.inode()) for entry in os.scandir(checkpoint) if entry.name.endswith(".h5")}


def train_until_killed(name: str, folder: str, death: Death | None) -> None:
    """Trains in this process, which kills itself where it is told to; else it leaves the result in the folder."""
    import keras
    import tensorflow as tf

    from tests.killed_training.trainings import train

    warnings.filterwarnings("ignore", message="Even though the `tf.config.experimental_run_functions_eagerly`")
    tf.config.run_functions_eagerly(True)  # a life is short: its steps take less time than their compilation
    reached = {"step": 0, "file": 0}

    def reach(kind: str) -> None:
        reached[kind] += 1
        if death == (kind, reached[kind]):
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple) -> None:
        if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(arguments[0]).startswith(checkpoint):
            reach("file")

    checkpoint = os.path.join(folder, "checkpoint")
    sys.addaudithook(hook)
    model = train(
        name, checkpoint, [keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: reach("step"))]
    )
    arrays = {f"weight {place}": weight for place, weight in enumerate(model.get_weights())}
    arrays |= {f"optimizer {place}": np.asarray(each) for place, each in enumerate(model.optimizer.variables)}
    arrays |= {f"history {key}": np.array(values) for key, values in model.history.history.items()}
    arrays["epochs"] = np.array(model.history.epoch)
    unfinished = Path(folder, "unfinished.npz")
    np.savez(unfinished, **arrays)
    Path(folder, MEASURED).write_text(json.dumps(reached))
    os.replace(unfinished, Path(folder, RESULT))
