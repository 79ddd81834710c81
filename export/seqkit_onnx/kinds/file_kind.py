"""What one kind of exported file is made of, and how it is compared with Keras."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

import onnx

from keras_seqkit.text import Vocabulary
from seqkit_onnx.comparison.verification import Verification, check
from seqkit_onnx.conversion import OPSET


@dataclass(frozen=True)
class Options:
    """The arguments of `seqkit_onnx.export`, which describes them; each has the same default there."""

    text: bool = True
    labels: Sequence[Any] | None = None
    vocabulary: Vocabulary | None = None
    input_signature: Any = None
    padding: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    recurrence: str = "native"
    sampler: Any = None
    step: bool = False
    scores: str | None = None
    settings: str = "optional"
    opset: int = OPSET
    shapes: Mapping[str, int] | None = None
    text_layer: Any = None
    stream: bool = False

    @property
    def precision(self) -> str | None:
        """What the file is less exact by: ``"float16"``, ``"int8"``, ``"int8_dynamic"`` or `None`."""
        return self.dtype or self.quantize

    def given(self) -> list[str]:
        """Lists the arguments that are other than their defaults."""
        return [each.name for each in fields(self) if getattr(self, each.name) is not each.default]


class FileKind(ABC):
    """One kind of exported file, made of one model.

    A kind is an export in the making: `draft` comes first, since what it finds is needed for all else.

    Args:
        model: the model.
        options: what `export` was asked for; or, to compare a file that is there, what it was made with.

    Attributes:
        name: what the file calls its kind, by which `load` opens it.
        takes: the options that have a meaning for this kind.
        brings_vocabulary: whether its models know their own vocabulary.
    """

    name: str
    takes: ClassVar[frozenset[str]] = frozenset()
    brings_vocabulary: ClassVar[bool] = False

    def __init__(self, model: Any, options: Options):
        self.model = model
        self.options = options

    @classmethod
    def is_wanted(cls, options: Options) -> bool:
        """Whether it is this kind that is asked for, where a model can become files of several kinds."""
        return True

    @abstractmethod
    def draft(self) -> onnx.ModelProto:
        """Makes the graph.

        Raises:
            ValueError: the options do not fit the model, or the model has no answer to give.
            UnsupportedLayerError: a layer cannot be exported.
        """

    @abstractmethod
    def metadata(self) -> dict[str, str]:
        """What the file says of itself, beside its kind, name and versions."""

    @abstractmethod
    def compare_on_samples(self, file: Any) -> Verification:
        """Compares the file with Keras on inputs made up for it.

        Args:
            file: what `load` gives for it.
        """

    @abstractmethod
    def compare(self, file: Any, inputs: Any) -> Verification:
        """Compares the file with Keras on inputs that a user gives.

        Args:
            file: what `load` gives for it.
            inputs: what the model's own method takes: `predict`, `generate` or `translate`.
        """

    def around(self) -> AbstractContextManager[Any]:
        """What holds while the file is made and compared."""
        return nullcontext()

    def check(self, found: Verification) -> None:
        """Sees to it that the file and Keras agree.

        Raises:
            VerificationError: they do not.
        """
        check(found, self.options.precision)

    def refuse_what_it_does_not_take(self) -> None:
        """Finds options that have no meaning for this kind, and settings that are neither optional nor required.

        Raises:
            ValueError: there are some; the message names them, and where they belong.
        """
        if self.options.settings not in ("optional", "required"):
            raise ValueError(f"export: settings is 'optional' or 'required'; received {self.options.settings!r}.")
        names = [name for name in self.options.given() if name not in (*ALL_TAKE, *self.takes)]
        if self.brings_vocabulary and self._gives_its_own_vocabulary():
            names = [name for name in names if name != "vocabulary"]
        if names:
            where = "".join(f" {BELONGS_TO[name]}" for name in names if name in BELONGS_TO)
            raise ValueError(
                f"export: a {type(self.model).__name__} takes no {', no '.join(names)}.{where} Leave "
                f"{'it' if len(names) == 1 else 'them'} out."
            )

    def _gives_its_own_vocabulary(self) -> bool:
        given, own = self.options.vocabulary, self.own_vocabulary
        return given is not None and own is not None and given.digest == own.digest

    @property
    @abstractmethod
    def own_vocabulary(self) -> Vocabulary | None:
        """What makes ids of the texts that the file takes; `None` where it takes none."""


ALL_TAKE = ("text", "settings")
# Where an argument belongs that somebody gave for another model.
BELONGS_TO = {
    "sampler": "A sampler is a TextGenerator's.",
    "step": "A step is a TextGenerator's.",
    "stream": "A stream is made of a recurrent model of your own.",
    "scores": "Scores belong to a model of your own with labels.",
    "opset": "Files that generate or translate need opset 20.",
    "text_layer": "A text layer belongs to a model of your own that takes its ids.",
    "shapes": "Files that generate or translate take texts of any length.",
}

Kind = TypeVar("Kind", bound=type[FileKind])
_KINDS: dict[type, list[type[FileKind]]] = {}
_REFUSED: dict[type, str] = {}


def exports(model: type) -> Callable[[Kind], Kind]:
    """Registers what is made of the models of a class, and of its subclasses; as a decorator.

    Args:
        model: the class. Where several kinds are registered for it, the last one that `is_wanted` is taken.
    """

    def register(kind: Kind) -> Kind:
        _KINDS.setdefault(model, []).append(kind)
        return kind

    return register


def refuse(model: type, why: str) -> None:
    """Registers a class of models of which no file is made.

    Args:
        model: the class.
        why: the rest of a sentence that begins with the model, and what to do instead.
    """
    _REFUSED[model] = why


def kinds_of(model: Any) -> list[type[FileKind]]:
    """Returns the kinds of files that can be made of a model: those of the nearest class that has any.

    Raises:
        ValueError: no file can be made of it.
        TypeError: it is no Keras model.
    """
    for each in type(model).__mro__:
        if each in _REFUSED:
            raise ValueError(f"export: a {type(model).__name__} {_REFUSED[each]}")
        if each in _KINDS:
            return _KINDS[each]
    raise TypeError(f"export: model is a Keras model; received {type(model).__name__}.")


def kind_for(model: Any, options: Options) -> FileKind:
    """Returns the kind of file that is asked for, with the model in it."""
    return next(kind for kind in reversed(kinds_of(model)) if kind.is_wanted(options))(model, options)
