"""Any exported network: arrays in, arrays out."""

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import onnxruntime

from seqkit_onnx.runtime.description import listed, readable_size
from seqkit_onnx.runtime.stream import Stream
from seqkit_onnx.runtime.texts import text_array

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


class Network:
    """An exported Keras model, its inputs and outputs as they were.

    The states of stateful layers are inputs and outputs, and the caller carries them, for as many sequences at once as
    wanted:

        states = network.initial_state(batch=1)
        for part in parts_of_a_long_sequence:
            outputs = network.predict({"ids": part, **states})
            states = network.next_state(outputs)

    `stream` carries them itself.

    Args:
        session: onnxruntime's session; `seqkit_onnx.load` makes it.
        size: of the file, in bytes, where it is known.
    """

    def __init__(self, session: onnxruntime.InferenceSession, size: int | None = None):
        self.session = session
        self.size = size
        self._dtypes = {value.name: _DTYPES[value.type] for value in session.get_inputs()}
        self._optional = {value.name: _DTYPES[value.type] for value in session.get_overridable_initializers()}
        self._axes = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
        metadata = session.get_modelmeta().custom_metadata_map
        self._states = json.loads(metadata.get("states", "[]"))
        # Of settings that are plain inputs, for callers in JavaScript and Java.
        self._defaults = {
            name: np.asarray(value, self._dtypes[name])
            for name, value in json.loads(metadata.get("settings", "{}")).items()
        }
        self._optional |= {name: self._dtypes.pop(name) for name in self._defaults}

    def __repr__(self) -> str:
        shown = [f"{listed(self.input_names)} -> {listed(self.output_names)}", *self._about()]
        if self.size is not None:
            shown.append(readable_size(self.size))
        return f"<{type(self).__name__}: {'; '.join(shown)}>"

    def _about(self) -> list[str]:
        """Returns what else `repr` shows."""
        return [f"{len(self._states)} states"] if self._states else []

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter wrote into the file: kind, versions, and more by kind."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    @property
    def providers(self) -> list[str]:
        """The execution providers in use, the preferred one first."""
        return list(self.session.get_providers())

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in order; those that have a default are left out."""
        return list(self._dtypes)

    @property
    def optional_input_names(self) -> list[str]:
        """The names of the inputs that have a default."""
        return list(self._optional)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, in order."""
        return [value.name for value in self.session.get_outputs()]

    def axes(self, name: str) -> list[int | str]:
        """Returns the axes of an input or output: sizes, and the names of those that vary."""
        return list(self._axes[name])

    @property
    def state_names(self) -> dict[str, str]:
        """The names of the states: of the input that each comes in by, and of the output that it goes out by."""
        return {each["input"]: each["output"] for each in self._states}

    def predict(self, inputs: Any) -> dict[str, np.ndarray]:
        """Runs the network once.

        Args:
            inputs: an array where there is one input, else a dict of arrays by name, or a list of them in order. They
                are cast to the dtype of the input where that is of the same kind: integers that fit, and floats. Where
                an input is text: one string, a list of them, or a column of another library, as for
                `Classifier.predict`.

        Returns:
            The outputs by name; of no rows, no rows.

        Raises:
            TypeError: an array has a dtype that cannot be cast.
            ValueError: an input is missing, or there is one that the network does not have, or an integer does not fit,
                or rows have no step: Keras refuses those too, and onnxruntime's GRU ends the process.
        """
        by_name = self._by_name(inputs, self.input_names)
        if set(by_name) - set(self._optional) != set(self._dtypes):
            raise ValueError(f"predict: the inputs {self.input_names} are expected; received {sorted(by_name)}.")
        feeds = {name: self._cast(name, value) for name, value in by_name.items()}
        for name, array in feeds.items():
            axes = self._axes.get(name, list(array.shape))
            fixed = [own == size for own, size in zip(axes, array.shape, strict=False) if isinstance(own, int)]
            if len(axes) != array.ndim or not all(fixed):
                raise ValueError(f"predict: input {name!r} is of shape {tuple(axes)}; received {array.shape}.")
            if 0 in array.shape[1:] and (len(array) or not self._is_batch(name)):
                raise ValueError(f"predict: input {name!r} has shape {array.shape}. Give each row a step at least.")
        return dict(zip(self.output_names, self._run(self.output_names, feeds), strict=True))

    @property
    def takes_text(self) -> bool:
        """Whether its first input is of texts; one of ids may be called ``"text"`` too."""
        return self._dtypes[self.input_names[0]] is np.object_

    def initial_state(self, batch: int = 1) -> dict[str, np.ndarray]:
        """Returns the states that stateful layers begin with, by the inputs' names: zeros, float32 (batch, units).

        Args:
            batch: how many sequences are run at once.
        """
        return {
            each["input"]: np.zeros((batch, *each.get("shape", [each["units"]])), np.float32) for each in self._states
        }

    def next_state(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Takes the states out of what `predict` returned, as inputs of the next call.

        Args:
            outputs: what `predict` returned.
        """
        return {first: outputs[last] for first, last in self.state_names.items()}

    def stream(self, batch: int = 1) -> Stream:
        """Begins to run sequences chunk by chunk; any number of streams can be run beside each other.

        Args:
            batch: how many sequences are run at once.

        Raises:
            ValueError: the file has no states to carry.
        """
        return Stream(self, batch)

    def own_inputs(self, inputs: Any) -> Mapping[str, Any]:
        """Gives inputs their names, those of states left out.

        Args:
            inputs: an array where there is one input, else a dict of arrays by name, or a list of them in order.
        """
        states = {each["input"] for each in self._states}
        return self._by_name(inputs, [name for name in self.input_names if name not in states])

    def _run(self, names: list[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Runs the session; no rows are answered without them, since some of its operators end the process over them.

        Args:
            names: of the outputs.
            feeds: the inputs.
        """
        none = {name for name, array in feeds.items() if len(array.shape) and not len(array) and self._is_batch(name)}
        if not none:
            return cast("list[np.ndarray]", self.session.run(names, {**self._defaults, **feeds}))
        one_row = {name: _one_row(array) if name in none else array for name, array in feeds.items()}
        outputs = zip(
            names, cast("list[np.ndarray]", self.session.run(names, {**self._defaults, **one_row})), strict=True
        )
        return [array[:0] if self._is_batch(name) else array for name, array in outputs]

    def _is_batch(self, name: str) -> bool:
        """Whether the first axis of an input or output is that of the rows."""
        return self._axes.get(name, [])[:1] == ["batch"]

    def _by_name(self, inputs: Any, names: list[str]) -> Mapping[str, Any]:
        if isinstance(inputs, Mapping):
            return inputs
        if len(names) == 1:
            return {names[0]: inputs}
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f"predict: a dict with the inputs {names} is expected; received one array.")
        if len(inputs) != len(names):
            raise ValueError(f"predict: the inputs {names} are expected; received {len(inputs)} arrays.")
        return dict(zip(names, inputs, strict=True))

    def _cast(self, name: str, value: Any) -> np.ndarray:
        dtype = np.dtype(self._dtypes.get(name) or self._optional[name])
        if dtype.kind == "O":
            return text_array(value, f"predict: {name}", len(self._axes.get(name, ("",))))
        array = np.asarray(value)
        if array.size == 0:  # NumPy takes an empty list for floats
            return np.empty(array.shape, dtype)
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise TypeError(f"predict: input {name!r} is {dtype}; received {array.dtype}.")
        if dtype.kind in "iu" and array.dtype.kind in "iu":
            low, high = int(array.min()), int(array.max())
            limits = np.iinfo(dtype)
            if low < limits.min or high > limits.max:
                raise ValueError(
                    f"predict: input {name!r} is {dtype}, {limits.min} to {limits.max}; received {low} to {high}."
                )
        return np.asarray(array, dtype, order="C")


def _one_row(array: np.ndarray) -> np.ndarray:
    """Returns a row of zeros, or of empty texts, in place of no rows; it has a step where those have none."""
    return np.full((1, *(max(size, 1) for size in array.shape[1:])), "" if array.dtype == object else 0, array.dtype)
