"""scikit-learn's tools take a text classifier as one of theirs."""

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from keras_seqkit import SKLearnTextClassifier, TextClassifier, Vocabulary
from keras_seqkit.layers import MaskedMaxPooling
from tests.eager import eagerly

TEXTS, LABELS = ["a good film", "bad", "very good", "so bad"] * 6, ["pos", "neg"] * 12
FIT = {"epochs": 6, "verbose": 0, "batch_size": 4}


def build(X, y, rate=0.1, labels=None):  # noqa: N803
    keras.utils.set_random_seed(0)
    model = TextClassifier(Vocabulary.from_texts(X), labels or sorted(set(y.tolist())), 8, MaskedMaxPooling())
    model.compile(keras.optimizers.Adam(rate))
    return model


@eagerly()
def test_it_learns_scores_and_knows_its_classes():
    estimator = SKLearnTextClassifier(build, fit_kwargs=FIT).fit(TEXTS, LABELS)
    assert estimator.score(TEXTS, LABELS) == 1.0
    assert estimator.classes_.tolist() == ["neg", "pos"]
    np.testing.assert_allclose(estimator.predict_proba(pd.Series(TEXTS)).sum(axis=1), 1, rtol=1e-6)
    assert get_scorer("roc_auc")(estimator, TEXTS, LABELS) == 1.0
    with pytest.raises(TypeError, match=r"\[1\] is a missing text"):
        estimator.predict(["good", None])


@eagerly()
def test_columns_of_probabilities_stand_in_the_order_of_the_classes():
    estimator = SKLearnTextClassifier(build, model_kwargs={"labels": ["pos", "neg"]}, fit_kwargs=FIT)
    estimator.fit(TEXTS, LABELS)
    assert estimator.score(TEXTS, LABELS) == 1.0
    assert estimator.predict_proba(["good"])[0].argmax() == 1


@eagerly()
def test_numbers_are_labels_as_they_are():
    estimator = SKLearnTextClassifier(build, fit_kwargs=FIT).fit(TEXTS, [5, 1] * 12)
    assert estimator.predict(["good", "bad"]).tolist() == [5, 1]


@eagerly()
def test_a_grid_is_searched_and_folds_are_scored():
    search = GridSearchCV(
        SKLearnTextClassifier(build, fit_kwargs=FIT), {"model_kwargs": [{"rate": 0.0}, {"rate": 0.1}]}, cv=2
    )
    search.fit(TEXTS, LABELS)
    assert search.best_params_ == {"model_kwargs": {"rate": 0.1}}
    scores = cross_val_score(SKLearnTextClassifier(build, fit_kwargs=FIT), TEXTS, LABELS, cv=2)
    assert scores.tolist() == [1.0, 1.0]


@eagerly()
def test_it_stands_in_a_pipeline_and_is_cloned():
    lowered = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lowered, SKLearnTextClassifier(build, fit_kwargs=FIT))
    assert pipeline.fit([text.upper() for text in TEXTS], LABELS).score(TEXTS, LABELS) == 1.0
    copied = clone(SKLearnTextClassifier(build, model_kwargs={"rate": 0.2}))
    assert copied.model_kwargs == {"rate": 0.2}


@eagerly()
def test_a_model_is_copied_with_its_compilation_and_stays_as_it_was():
    model = build(TEXTS, np.array(LABELS))
    before = model.get_weights()
    estimator = SKLearnTextClassifier(model, fit_kwargs=FIT).fit(TEXTS, LABELS)
    assert estimator.model_ is not model
    assert float(estimator.model_.optimizer.learning_rate) == pytest.approx(0.1)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    SKLearnTextClassifier(model, warm_start=True, fit_kwargs=FIT).fit(TEXTS, LABELS)
    assert any(np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True))


def test_what_is_no_text_classifier_is_refused():
    with pytest.raises(TypeError, match="a TextClassifier with one label"):
        SKLearnTextClassifier(lambda X, y: keras.Sequential()).fit(TEXTS, LABELS)  # noqa: N803


@eagerly()
def test_a_clone_trains_as_the_estimator_does():
    stopper = keras.callbacks.EarlyStopping("loss")
    estimator = SKLearnTextClassifier(
        build, True, model_kwargs={"rate": 0.2}, fit_kwargs={**FIT, "epochs": 3, "callbacks": [stopper]}
    )
    cloned = clone(estimator)
    assert cloned.fit(TEXTS, LABELS).history_.epoch == [0, 1, 2]
    given, taken = estimator.get_params(), cloned.get_params()
    assert taken["fit_kwargs"].pop("callbacks")[0] is not given["fit_kwargs"].pop("callbacks")[0]
    assert taken == given
