"""Any exported network: arrays in, arrays out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


class Network:
    """An exported Keras model, its inputs and outputs as they were.

    Args:
        session: onnxruntime's session; `seqkit_onnx.load` makes it.
    """

    def __init__(self, session: onnxruntime.InferenceSession):
        self.session = session
        self._dtypes = {value.name: _DTYPES[value.type] for value in session.get_inputs()}

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter wrote into the file: kind, versions, and more by kind."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    @property
    def providers(self) -> list[str]:
        """The execution providers in use, the preferred one first."""
        return self.session.get_providers()

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in order."""
        return list(self._dtypes)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, in order."""
        return [value.name for value in self.session.get_outputs()]

    def predict(self, inputs: Any) -> dict[str, np.ndarray]:
        """Runs the network once.

        Args:
            inputs: an array where there is one input, else a dict of arrays by name, or a list of them in order. They
                are cast to the dtype of the input where that loses nothing.

        Returns:
            The outputs by name.

        Raises:
            TypeError: an array has a dtype that cannot be cast.
            ValueError: an input is missing, or there is one that the network does not have.
        """
        by_name = self._by_name(inputs)
        if set(by_name) != set(self._dtypes):
            raise ValueError(f"predict: the inputs {self.input_names} are expected; received {sorted(by_name)}.")
        feeds = {name: self._cast(name, value) for name, value in by_name.items()}
        return dict(zip(self.output_names, self.session.run(None, feeds), strict=True))

    def _by_name(self, inputs: Any) -> Mapping[str, Any]:
        if isinstance(inputs, Mapping):
            return inputs
        if len(self._dtypes) == 1:
            return {self.input_names[0]: inputs}
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f"predict: a dict with the inputs {self.input_names} is expected; received one array.")
        return dict(zip(self.input_names, inputs, strict=False))

    def _cast(self, name: str, value: Any) -> np.ndarray:
        array, dtype = np.asarray(value), np.dtype(self._dtypes[name])
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            raise TypeError(f"predict: input {name!r} is {dtype}; received {array.dtype}.")
        return np.ascontiguousarray(array, dtype)
