"""The report is scikit-learn's, and what cannot be reported is said clearly."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from keras_seqkit.evaluation import classification_report, confusion_matrix, plot_confusion_matrix

ENTRY_POINTS = [classification_report, confusion_matrix, plot_confusion_matrix]

names = st.sampled_from(["fresh", "rotten", "money-fx", "łódź", "$x$"])
pairs = st.lists(st.tuples(names, names), min_size=1, max_size=40)


@settings(deadline=None, max_examples=30)
@given(pairs, st.integers(1, 5))
def test_the_report_equals_that_of_scikit_learn(labels: list[tuple[str, str]], digits: int) -> None:
    true, predicted = map(list, zip(*labels, strict=True))
    report = classification_report(true, predicted, digits=digits)
    expected = metrics.classification_report(true, predicted, digits=digits, zero_division=0)
    assert str(report) == repr(report) == expected.rstrip("\n")
    assert report.as_dict() == metrics.classification_report(true, predicted, output_dict=True, zero_division=0)


def test_labels_decide_the_order_of_the_rows_and_may_name_a_class_that_never_occurs() -> None:
    rows = str(classification_report(["b", "a"], ["b", "b"], labels=["b", "never", "a"])).splitlines()[2:5]
    assert [row.split()[0] for row in rows] == ["b", "never", "a"]
    assert rows[1].split()[1:] == ["0.000", "0.000", "0.000", "0"]


def test_class_numbers_of_numpy_are_reported_like_pythons() -> None:
    true, predicted = np.array([0, 1, 10, 1]), np.array([0, 1, 1, 10], "int32")
    report = classification_report(true, predicted)
    assert report == classification_report([0, 1, 10, 1], [0, 1, 1, 10])
    assert list(report.as_dict())[:3] == ["0", "1", "10"]


def test_changing_the_dictionary_does_not_change_the_report() -> None:
    report = classification_report([0, 1], [0, 1])
    report.as_dict()["0"]["precision"] = -1
    assert report.as_dict()["0"]["precision"] == 1


@pytest.mark.parametrize("function", ENTRY_POINTS)
@pytest.mark.parametrize(
    ("true", "predicted", "labels", "error", "message"),
    [
        ([0, 1], [0], None, ValueError, "2 true_labels and 1 predicted_labels"),
        ([], [], None, ValueError, "no labels, expected at least one"),
        (["a", "c"], ["a", "b"], ["a", "b"], ValueError, r"true_labels has 'c', expected only .*\['a', 'b'\]"),
        (["a"], ["b"], ["a"], ValueError, "predicted_labels has 'b'"),
        (["a"], ["a"], ["a", "a"], ValueError, "labels has a class twice"),
        (["a"], [0], None, TypeError, "begin with 'a', predicted_labels with 0"),
        ([0], [0], ["a"], TypeError, "str and int labels are mixed"),
        ([0, 1], [0.1, 0.9], None, TypeError, "predicted_labels holds float, expected str or int"),
        ([0, 1], np.eye(2), None, TypeError, r"holds ndarray of shape \(2,\).*argmax"),
        ("ab", ["a", "b"], None, TypeError, "true_labels is one string, 'ab'"),
    ],
)
def test_what_cannot_be_evaluated_is_said(function, true, predicted, labels, error, message: str) -> None:
    with pytest.raises(error, match=f"^{function.__name__}: .*{message}"):
        function(true, predicted, labels=labels)


@pytest.mark.parametrize(
    ("function", "module"), [(classification_report, "sklearn"), (plot_confusion_matrix, "matplotlib")]
)
def test_a_missing_package_names_the_extra(function, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {module}.*pip install 'keras-seqkit\[evaluation\]'"):
        function([0, 1], [0, 1])


def test_importing_the_evaluation_imports_nothing_heavy() -> None:
    code = (
        "import sys, keras_seqkit.evaluation as evaluation\n"
        "assert all(getattr(evaluation, name) for name in evaluation.__all__)\n"
        "print(sorted({'sklearn', 'matplotlib', 'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
