"""Methods of a model's own layers that ask who calls them: the thread that exports, or another."""

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import keras
import tensorflow as tf

from seqkit_onnx.layer_walk import all_layers, all_operations
from seqkit_onnx.tracing.keras_internals import OPEN_NAME_SCOPE
from seqkit_onnx.tracing.native_layers import HIDDEN_BY_HOOK, has_own_call

_LAYERS = keras.layers
_OURS = {  # what is done in the place of a layer's own call
    _LAYERS.Bidirectional.call: "call_bidirectional",
    _LAYERS.TimeDistributed.call: "call_time_distributed",
    _LAYERS.TextVectorization.call: "call_vectorization",
    _LAYERS.StringLookup.call: "call_lookup",
    _LAYERS.IntegerLookup.call: "call_lookup",
    _LAYERS.Hashing.call: "call_hashing",
    _LAYERS.HashedCrossing.call: "call_hashing",
    _LAYERS.Embedding.call: "call_embedding",
}
_SCOPE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")  # what TensorFlow takes
# What layers do in place of their own calls while this thread exports; see `TracedCalls`.
tracing: ContextVar[Any] = ContextVar("seqkit_onnx_tracing", default=None)
# One model is traced and converted at a time: tf2onnx counts names and keeps functions for the whole process.
conversion_lock = threading.RLock()


@contextmanager
def plainly() -> Iterator[None]:
    """Lets layers run as Keras has them within a block of an export."""
    token = tracing.set(None)
    try:
        yield
    finally:
        tracing.reset(token)


@contextmanager
def hooked(model: keras.Model, all_calls: bool = False) -> Iterator[None]:
    """Gives the layers that are to be asked a method of their own, and takes it away again.

    Args:
        model: the model.
        all_calls: whether convolutions, all other layers and the operations between them are asked too.
    """
    hooks: list[tuple[dict[str, Any], str, Any]] = []
    scopes = _ScopeNames()
    try:
        for layer in list(all_operations(model) if all_calls else all_layers(model)):
            for name, method in _hooks_of(layer, scopes, all_calls):
                own = vars(layer)
                setattr(method, HIDDEN_BY_HOOK, own.get(name))
                hooks.append((own, name, own.get(name)))
                own[name] = method
        yield
    finally:
        for own, name, before in reversed(hooks):
            if before is None:
                del own[name]
            else:
                own[name] = before


def _hooks_of(layer: Any, scopes: "_ScopeNames", all_calls: bool) -> Iterator[tuple[str, Callable]]:
    call = type(layer).call
    if "call" in vars(layer):  # somebody has given this one layer another call
        pass
    elif isinstance(layer, _LAYERS.RNN):
        yield "call", _hook(layer.call, "call_rnn", layer)
        if has_own_call(layer):  # it goes on to the loop
            yield "inner_loop", _hook(layer.inner_loop, "call_loop", layer)
    elif call in _OURS:
        yield "call", _hook(layer.call, _OURS[call], layer)
    elif all_calls and call is _LAYERS.Conv1D.call:
        yield "call", _hook(layer.call, "call_convolution", layer)
    elif all_calls and not isinstance(layer, keras.Model):
        yield "call", _hook(layer.call, "call_steps", layer)
    if isinstance(layer, keras.Layer) and not plain_scope_name(layer.name):
        yield OPEN_NAME_SCOPE, _scope_hook(layer, scopes)


def _hook(method: Callable, ours: str, layer: Any) -> Callable:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        calls = tracing.get()
        return method(*args, **kwargs) if calls is None else getattr(calls, ours)(layer, method, *args, **kwargs)

    return call


def plain_scope_name(name: str) -> bool:
    """Whether TensorFlow takes a layer's name into the names of its nodes."""
    return _SCOPE_NAME.fullmatch(name) is not None


class _ScopeNames:
    """Names that TensorFlow takes, for layers whose names it does not take."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, name: str) -> str:
        self.count += 1
        return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name).strip('_-') or 'layer'}.{self.count}"


def _scope_hook(layer: Any, scopes: _ScopeNames) -> Callable[[], AbstractContextManager]:
    own = getattr(layer, OPEN_NAME_SCOPE)
    name = scopes.new(layer.name)

    def open_name_scope() -> AbstractContextManager:
        return own() if tracing.get() is None else tf.name_scope(name)

    return open_name_scope
