"""A text classifier as scikit-learn's estimators are used."""

import copy
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.classification.text_classifier import TextClassifier
from keras_seqkit.models.text_data import as_column
from keras_seqkit.text.columns import text_column


class SKLearnTextClassifier(keras.wrappers.SKLearnClassifier):
    """Wraps a `TextClassifier` for scikit-learn: `Pipeline`, `GridSearchCV`, `cross_val_score`, `clone`.

    Keras's own `SKLearnClassifier` cannot: before it calls a model, it makes numbers of what it is given. This one
    takes texts, and is used in the same way.

    Args:
        model: a `TextClassifier`, which is copied with fresh weights for each `fit`; or a function of ``X`` and ``y``
            (and of `model_kwargs`) that makes one, for example with a vocabulary of the texts of its fold.
        warm_start: whether each `fit` goes on with the model that was given, instead of a copy.
        model_kwargs: what else the function is given; `None`: nothing.
        fit_kwargs: arguments of `TextClassifier.fit`; `None`: none.

    Attributes:
        model_: the fitted `TextClassifier`.
        classes_: its labels (classes,), sorted.
        history_: what `fit` returned.

    Raises:
        TypeError: what the function makes is no `TextClassifier`, or has several labels for a text.

    Example:
    >>> from keras_seqkit import BidirectionalStack, SKLearnTextClassifier, TextClassifier, Vocabulary
    >>> def build(X, y, units=4):
    ...     return TextClassifier(Vocabulary.from_texts(X), sorted(set(y)), 8, BidirectionalStack(units))
    >>> estimator = SKLearnTextClassifier(build, model_kwargs={"units": 2}, fit_kwargs={"verbose": 0})
    >>> estimator.fit(["good", "bad"] * 4, ["pos", "neg"] * 4).predict_proba(["good"]).shape
    (1, 2)
    """

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ):
        super().__init__(model, warm_start=warm_start, model_kwargs=model_kwargs, fit_kwargs=fit_kwargs)

    def __sklearn_clone__(self) -> "SKLearnTextClassifier":
        """Returns an estimator that is not fitted, with the same arguments; Keras's own loses `fit_kwargs`."""
        cloned = super().__sklearn_clone__()
        cloned.fit_kwargs = copy.deepcopy(self.fit_kwargs)  # as scikit-learn does: callbacks have a state
        return cloned

    def fit(self, X: Any, y: Any, **kwargs: Any) -> "SKLearnTextClassifier":  # noqa: N803 - scikit-learn's name
        """Trains a model on texts and labels.

        Args:
            X: texts, in any column.
            y: a label for each.
            **kwargs: of `TextClassifier.fit`; they win over `fit_kwargs`.
        """
        texts, labels = text_column(X, "SKLearnTextClassifier.fit: X"), np.asarray(as_column(y))
        self.model_ = self._made(texts, labels)
        self.history_ = self.model_.fit(texts, labels, **{**(self.fit_kwargs or {}), **kwargs})
        self.classes_ = np.unique(np.asarray(self.model_.labels))
        return self

    def _made(self, texts: list[str], labels: np.ndarray) -> TextClassifier:
        given = self.model
        if not isinstance(given, keras.Model):
            given = given(X=texts, y=labels, **(self.model_kwargs or {}))
        if not isinstance(given, TextClassifier) or given.multi_label:
            raise TypeError(
                f"SKLearnTextClassifier: a TextClassifier with one label for each text is expected; received "
                f"{given!r:.80}. For other Keras models there is keras.wrappers.SKLearnClassifier."
            )
        if self.warm_start or given is not self.model:
            return given
        copied = TextClassifier.from_config(given.get_config())
        if given.compiled:
            copied.compile_from_config(given.get_compile_config())
        return copied

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Returns the probability of each class, in the order of `classes_`: float32 (batch, classes)."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        found = self.model_.predict(text_column(X, "SKLearnTextClassifier: X"), verbose=0)
        both = np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found
        own = np.asarray(self.model_.labels)
        return both[:, np.argsort(own, kind="stable")]

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        """Returns what scorers rank by: of two classes the second one's probability (batch,), of more all."""
        probabilities = self.predict_proba(X)
        return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Returns the most probable label of each text (batch,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]
