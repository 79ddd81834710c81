"""What a run of training remembers: its best epoch, when to stop, and what a killed run needs to go on."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_seqkit.text.files import write_atomically

ops: Any = keras.ops  # Keras's annotations know no tensors

RECORD = "progress.json"
BEST_WEIGHTS = "best.weights.h5"
NAMES_LEFT_OUT = ("name", "shared_object_id")  # of configurations: they count what the process made before


class Monitored(NamedTuple):
    """What epochs are compared by.

    Args:
        names: keys of Keras's logs; the first that is there is used.
        largest: whether the largest value is the best one, else the smallest.
        patience: so many epochs in a row that are no better end the training; `None`: they do not.
    """

    names: tuple[str, ...]
    largest: bool = False
    patience: int | None = None


class TrainingProgress(keras.callbacks.Callback):
    """Keeps the best weights, stops when nothing gets better, and writes down what a killed run needs to go on.

    Each epoch's files have names of their own, and the record, which names them, is replaced in one step: whenever the
    process dies, the directory holds one whole epoch.

    Args:
        network: the model whose weights are trained: variables and optimizer.
        owner: the model that the user sees.
        monitored: what epochs are compared by; `None`: nothing, and the last weights stay.
        directory: where files go; `None`: nowhere.
        fingerprint: what tells another run from this one: by name, what it depends on.
        first_epoch: the number of the run's first epoch, from 0.
    """

    def __init__(
        self,
        network: Any,
        owner: Any,
        monitored: Monitored | None = None,
        directory: str | os.PathLike | None = None,
        fingerprint: Mapping[str, Any] | None = None,
        first_epoch: int = 0,
    ):
        super().__init__()
        self.network, self.owner, self.monitored = network, owner, monitored
        self.directory = None if directory is None else Path(directory)
        self.fingerprint = dict(fingerprint or {})
        self.first_epoch = first_epoch
        self.records: list[dict[str, float]] = []  # of each epoch
        self.best_epoch = -1
        self.best_weights: list[np.ndarray] | None = None

    @property
    def finished(self) -> bool:
        """Whether the last epoch was one too many; those that were not measured do not count."""
        if self.monitored is None or self.monitored.patience is None:
            return False
        since = self.records[self.best_epoch + 1 :]
        return sum(self._value(record) is not None for record in since) >= max(1, self.monitored.patience)

    def restore(self) -> int:
        """Goes back to where a killed run was, if there was one; the optimizer must have its variables.

        Returns:
            The number of the epoch that comes next.

        Raises:
            ValueError: the directory holds another run.
        """
        if self.directory is None or not (self.directory / RECORD).exists():
            return self.first_epoch
        state = self._read(self.directory)
        run = state.get("run", {})  # what other versions wrote is another run
        others = sorted(name for name in {*run, *self.fingerprint} if run.get(name) != self.fingerprint.get(name))
        if others:
            raise ValueError(
                f"{type(self.owner).__name__}.fit: {str(self.directory)!r} holds another run: its {', '.join(others)} "
                "differ from this one's. Pass another checkpoint directory, delete it, or call fit as then."
            )
        self.records, self.best_epoch = state["records"], state["best_epoch"]
        if state["best"] is not None:
            self.network.load_weights(self.directory / state["best"])
            self.best_weights = self.owner.get_weights()
        self.network.load_weights(self.directory / state["last"])
        for variable, value in zip(self._seeds(), state["seeds"], strict=True):
            variable.assign(np.array(value, variable.dtype))
        return self.first_epoch + len(self.records)

    def _read(self, directory: Path) -> dict[str, Any]:
        """Returns the record of a killed run."""
        try:
            state = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        except ValueError as error:  # of JSON, or of UTF-8
            raise ValueError(self._damage(directory, f"{RECORD} is no JSON: {error}")) from error
        if not isinstance(state, dict):
            raise ValueError(self._damage(directory, f"{RECORD} holds no record"))  # noqa: TRY004 - a damaged file
        for name in (state.get("last"), state.get("best")):
            if name is not None and not (directory / str(name)).exists():
                raise ValueError(self._damage(directory, f"{name} is missing"))
        return state

    def _damage(self, directory: Path, what: str) -> str:
        return (
            f"{type(self.owner).__name__}.fit: checkpoint {str(directory)!r} is damaged: {what}. Delete it, or pass "
            "another directory; training then begins anew."
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records the epoch; Keras calls this."""
        self.records.append({name: float(value) for name, value in (logs or {}).items()})
        better = self.monitored is not None and self._is_best(self.monitored)
        if better:
            self.best_epoch = len(self.records) - 1
            self.best_weights = self.owner.get_weights()
        if self.directory is not None:
            self._write(self.directory, better)
        if self.monitored is not None and self.finished:
            self.owner.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Takes the best weights; Keras calls this."""
        if self.best_weights is not None:
            self.owner.set_weights(self.best_weights)

    def history(self) -> keras.callbacks.History:
        """Returns the `History` of all epochs, those of the killed runs too."""
        history = keras.callbacks.History()
        history.set_model(self.owner)
        history.epoch = list(range(self.first_epoch, self.first_epoch + len(self.records)))
        names = dict.fromkeys(name for record in self.records for name in record)
        history.history = {name: [record[name] for record in self.records if name in record] for name in names}
        return history

    def _is_best(self, monitored: Monitored) -> bool:
        sign = 1.0 if monitored.largest else -1.0
        *before, last = [None if value is None else sign * value for value in map(self._value, self.records)]
        if last is None:  # nothing was measured after this epoch
            return False
        measured = [value for value in before if value is not None]
        return not measured or last > max(measured)

    def _value(self, record: dict[str, float]) -> float | None:
        """Returns what an epoch is compared by, if it was measured after it."""
        names = () if self.monitored is None else self.monitored.names
        return next((record[name] for name in names if name in record), None)

    def _write(self, directory: Path, better: bool) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        count = len(self.records)
        last = f"epoch_{count}.weights.h5"
        self._save(directory / last)
        best = f"epoch_{self.best_epoch + 1}.{BEST_WEIGHTS}" if self.best_epoch >= 0 else None
        if better:
            self._save(directory / str(best))
        seeds = [np.asarray(ops.convert_to_numpy(variable)).tolist() for variable in self._seeds()]
        state = {
            "run": self.fingerprint,
            "records": self.records,
            "best_epoch": self.best_epoch,
            "best": best,
            "last": last,
            "seeds": seeds,
        }
        write_atomically(directory / RECORD, json.dumps(state).encode())
        for old in directory.glob("*.weights.h5"):
            if old.name not in (last, best):
                old.unlink(missing_ok=True)

    def _save(self, path: Path) -> None:
        whole = path.with_name(f"new_{path.name}")
        self.network.save_weights(whole)
        os.replace(whole, path)

    def _seeds(self) -> list[Any]:
        """Lists what random numbers go on from, which Keras does not save with the weights."""
        return [each for each in self.network.non_trainable_variables if each.name == "seed_generator_state"]


def run_fingerprint(model: Any, digest: str, **settings: Any) -> dict[str, Any]:
    """Returns what tells another run from this one.

    Args:
        model: a compiled `TextModel`.
        digest: of the texts.
        **settings: what else the training depends on: plain data.
    """
    optimizer = keras.saving.serialize_keras_object(model.optimizer)
    loss = model.get_compile_config() or {}
    return {
        "model": _digest(model.get_config()),
        "optimizer": _digest(optimizer),
        "loss": _digest(loss.get("loss")),
        "texts": digest,
        **{name: json.loads(json.dumps(value, default=str)) for name, value in settings.items()},
    }


def _digest(config: Any) -> str:
    return hashlib.sha256(json.dumps(_without_names(config), sort_keys=True, default=str).encode()).hexdigest()


def _without_names(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {key: _without_names(value) for key, value in config.items() if key not in NAMES_LEFT_OUT}
    if isinstance(config, (list, tuple)):
        return [_without_names(each) for each in config]
    return config
