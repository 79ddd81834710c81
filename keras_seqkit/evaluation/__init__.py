"""Reports, scores and pictures of how well a model does, over scikit-learn, sacrebleu and matplotlib.

They are imported when they are first needed, and come with ``pip install 'keras-seqkit[evaluation]'``. No
picture needs a display, and matplotlib's global state is left as it is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_seqkit.evaluation._attention import plot_attention
    from keras_seqkit.evaluation._confusion import confusion_matrix, plot_confusion_matrix
    from keras_seqkit.evaluation._curves import plot_training_curves
    from keras_seqkit.evaluation._report import ClassificationReport, classification_report
    from keras_seqkit.evaluation._translation import TranslationScores, translation_scores

__all__ = [
    "ClassificationReport",
    "TranslationScores",
    "classification_report",
    "confusion_matrix",
    "plot_attention",
    "plot_confusion_matrix",
    "plot_training_curves",
    "translation_scores",
]

_HOME_OF_NAME = {
    "ClassificationReport": "_report",
    "TranslationScores": "_translation",
    "classification_report": "_report",
    "confusion_matrix": "_confusion",
    "plot_attention": "_attention",
    "plot_confusion_matrix": "_confusion",
    "plot_training_curves": "_curves",
    "translation_scores": "_translation",
}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF_NAME:
        return getattr(import_module(f"{__name__}.{_HOME_OF_NAME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
