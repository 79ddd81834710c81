"""Reports and pictures of how well a classifier does, over scikit-learn and matplotlib.

Both are imported when they are first needed, and come with ``pip install 'keras-seqkit[evaluation]'``. No
picture needs a display, and matplotlib's global state is left as it is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_seqkit.evaluation._confusion import confusion_matrix, plot_confusion_matrix
    from keras_seqkit.evaluation._curves import plot_training_curves
    from keras_seqkit.evaluation._report import ClassificationReport, classification_report

__all__ = [
    "ClassificationReport",
    "classification_report",
    "confusion_matrix",
    "plot_confusion_matrix",
    "plot_training_curves",
]

_HOME_OF_NAME = {
    "ClassificationReport": "_report",
    "classification_report": "_report",
    "confusion_matrix": "_confusion",
    "plot_confusion_matrix": "_confusion",
    "plot_training_curves": "_curves",
}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF_NAME:
        return getattr(import_module(f"{__name__}.{_HOME_OF_NAME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
