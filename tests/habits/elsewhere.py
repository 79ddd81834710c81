"""Loads saved models in a process of its own, and uses them: `python -m tests.habits.elsewhere folder names`.

Beside each model it writes the weights that it found and what TensorFlow warned of.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

LENGTHS = (1, 3, 9, 14, 20, 27, 33, 41)


class Warnings(logging.Handler):
    """Keeps what TensorFlow warns of."""

    def __init__(self):
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record."""
        self.said.append(record.getMessage())


def use(case: Any, model: Any) -> None:
    """Trains, measures and asks a model with texts of many lengths."""
    texts = ["good " * length + "film" for length in LENGTHS]
    data = (texts,) if case.targets is None else (texts, case.targets[:1] * 4 + case.targets[1:2] * 4)
    for _ in range(2):
        case.fit(*data, model=model, epochs=6)
        model.evaluate(*data, verbose=0)
    for length in LENGTHS:
        case.answer(model, ["good " * length])
        case.answer(model, [*texts[:2], "bad " * length])


def main(folder: Path, names: list[str]) -> None:
    """Loads and uses all models of a folder."""
    import keras  # noqa: I001 - as a user does it, and nothing else of this package before models are loaded
    import keras_seqkit  # noqa: F401

    models: dict[str, Any] = {name: keras.saving.load_model(folder / f"{name}.keras") for name in names}
    import numpy as np

    for name, model in models.items():
        np.savez(folder / f"{name}.npz", *model.get_weights())
    from tests.habits.cases import CASES

    for case in CASES:
        if case.name not in models:
            continue
        warnings = Warnings()
        logging.getLogger("tensorflow").addHandler(warnings)
        use(case, models[case.name])
        logging.getLogger("tensorflow").removeHandler(warnings)
        found = {"class": f"{type(models[case.name]).__module__}.{type(models[case.name]).__name__}"}
        (folder / f"{case.name}.json").write_text(json.dumps({**found, "warnings": warnings.said}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split())
