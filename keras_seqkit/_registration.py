"""Keras finds our classes when it loads a saved model, though importing this package imports no Keras."""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PACKAGE = "keras_seqkit"
HOMES = {
    "layers": ("BidirectionalStack", "ConvFront", "GloveEmbedding", "MaskedMaxPooling", "RecurrentAttention"),
    "models": ("CBOW", "Seq2SeqTranslator", "SkipGram", "TextClassifier", "TextGenerator", "TextRegressor"),
    "models.token_losses": ("TokenAccuracy", "TokenCrossentropy", "TokenLoss"),
    "models.translation.translation_training": ("SmoothedCrossentropy",),
    "samplers": (
        "BeamSampler",
        "ContrastiveSampler",
        "GreedySampler",
        "MinPSampler",
        "RandomSampler",
        "TopKSampler",
        "TopPSampler",
        "TypicalSampler",
    ),
}


class LazyClass:
    """Stands among Keras's registered classes until the real one is asked for, whose module registers it.

    Args:
        home: the module that it can be imported from.
        name: its name there.
    """

    def __init__(self, home: str, name: str):
        self._home, self._name = home, name

    def from_config(self, config: dict[str, Any]) -> Any:
        """Returns an object of the real class."""
        return getattr(import_module(self._home), self._name).from_config(config)

    def __repr__(self) -> str:
        return f"<{self._home}.{self._name}, imported when it is needed>"


def register_with_keras() -> None:
    """Registers all classes with Keras by their names: now if it is imported, else when it is."""
    if getattr(sys.modules.get("keras"), "saving", None) is not None:
        _register()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    registered = sys.modules["keras"].saving.get_custom_objects()
    for home, names in HOMES.items():
        for name in names:
            registered.setdefault(f"{PACKAGE}>{name}", LazyClass(f"{PACKAGE}.{home}", name))


class _AfterKeras(MetaPathFinder):
    """Finds no module itself; it lets Keras's own loader register our classes when it has loaded Keras."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Returns Keras's spec with a loader that goes on with ours, and `None` for all other modules."""
        if fullname != "keras":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader)
        return spec


class _ThenRegister(Loader):
    """Does what a loader does, then registers our classes.

    Args:
        loader: Keras's own.
    """

    def __init__(self, loader: Any):
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """See `importlib.abc.Loader`."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _register()
