"""Sequences that are run chunk by chunk, by a file that takes states and gives new ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class Stream:
    """Carries the states of an exported model from chunk to chunk; `Network.stream` makes it.

    The file may be one that was exported with ``stream=True``, or of a model with stateful layers.

    Args:
        network: what `seqkit_onnx.load` gives for the file, which other streams may use as well.
        batch: how many sequences are run at once.

    Call:
        inputs: the next steps, (batch, time, ...): any number of them, at least one. An array where there is one input,
            else a dict of arrays by name, or a list of them in order; without the states.

    Returns:
        The outputs of these steps: an array where there is one output, else a dict. An output without steps is the
        answer to all steps so far.

    Raises:
        ValueError: the file has no states; or the chunk has another number of sequences, or no steps. Then the states
            stay as they are.

    Example::

        stream = seqkit_onnx.load("keywords.onnx").stream()
        for chunk in chunks_of_features:  # (1, time, 40)
            probabilities = stream.send(chunk)
    """

    def __init__(self, network: Any, batch: int = 1):
        if not network.state_names:
            raise ValueError(
                "stream: the file has no states to carry from chunk to chunk. Export it with stream=True, text=False."
            )
        self.network = network
        self.batch = batch
        self.reset()

    def __call__(self, inputs: Any) -> Any:
        """See `send`."""
        return self.send(inputs)

    def __repr__(self) -> str:
        return f"<Stream of {self.network.metadata.get('model_name', 'a model')!r}, batch={self.batch}>"

    def reset(self) -> None:
        """Begins new sequences: the states are zeros."""
        self.states: Mapping[str, np.ndarray] = self.network.initial_state(self.batch)

    def send(self, inputs: Any) -> Any:
        """Runs the next steps; see the class."""
        outputs = self.run(inputs)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def run(self, inputs: Any) -> dict[str, np.ndarray]:
        """Runs the next steps, as `send` does.

        Args:
            inputs: see the class.

        Returns:
            The outputs by name, whatever their number.
        """
        own = self.network.own_inputs(inputs)
        for name, array in own.items():
            if np.ndim(array) > 1 and len(array) != self.batch:
                raise ValueError(
                    f"stream: {self.batch} sequences are expected, as stream(batch={self.batch}) was told; received "
                    f"{name!r} of shape {np.shape(array)}."
                )
        outputs = self.network.predict({**own, **self.states})
        self.states = self.network.next_state(outputs)
        finals = set(self.network.state_names.values())
        return {name: array for name, array in outputs.items() if name not in finals}
