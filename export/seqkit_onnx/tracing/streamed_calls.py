"""What the layers of a model do while it is traced as a stream: they go on where an earlier call ended.

The axis of steps is the second one of a tensor, open where all axes but the batch's are known: what has no such axis is
one answer, and layers behind it run as they always do.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seqkit_onnx.layer_walk import all_layers
from seqkit_onnx.tracing.hooks import plainly
from seqkit_onnx.tracing.native_layers import starts_at_zero
from seqkit_onnx.tracing.step_mixing import Mixing, mixing_of
from seqkit_onnx.tracing.traced_calls import LoopState, TracedCalls, twin_of

_LAYERS = keras.layers
_REDUCES = "one answer of all steps. Take the newest state of a recurrent layer, return_sequences=False, in its place."
_LATER = "and later steps are not there yet."
# What is said of layers that users meet; of all others, what was found by trying.
_WHY: tuple[tuple[tuple[type, ...], str], ...] = (
    ((_LAYERS.GlobalAveragePooling1D, _LAYERS.GlobalMaxPooling1D), f"makes {_REDUCES}"),
    (
        (_LAYERS.MaxPooling1D, _LAYERS.AveragePooling1D),
        "pools over time, and where a pool begins depends on how many steps came before. Leave it out.",
    ),
    (
        (_LAYERS.Flatten, _LAYERS.Reshape, _LAYERS.Permute),
        "moves the axis of steps, of which a stream has any number. Take the newest state of a recurrent layer, or "
        "write it in a TimeDistributed.",
    ),
    (
        (_LAYERS.MultiHeadAttention, _LAYERS.GroupQueryAttention, _LAYERS.Attention, _LAYERS.AdditiveAttention),
        "compares steps with all others, which a stream does not keep. A recurrent layer carries what it needs.",
    ),
    (
        (_LAYERS.ZeroPadding1D, _LAYERS.Cropping1D, _LAYERS.UpSampling1D),
        "changes the number of steps. Build a Conv1D with padding='causal' where steps are to be padded in front.",
    ),
)


class StreamedCalls(TracedCalls):
    """What layers do instead of running, in a stream."""

    repeats_earlier = True

    def __init__(self, model_name: str):
        super().__init__(model_name)
        self.carrying: Any = None  # the recurrent layer whose states go in and out, while it is run
        self.keeps_something = False

    def begin(self) -> None:
        """See `TracedCalls`."""
        super().begin()
        self.keeps_something = False

    def call_rnn(
        self, layer: Any, own: Callable, sequences: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Runs a recurrent layer, its states inputs and outputs of the graph."""
        if not self._has_steps(sequences):
            return super().call_rnn(layer, own, sequences, initial_state, mask, **kwargs)
        if layer.go_backwards:
            self._refuse(layer, f"runs from the end (go_backwards=True), {_LATER} Build it to run forward.")
        if any(state is not None for state in tf.nest.flatten(initial_state)):
            self._refuse(
                layer,
                "begins with states that the model gives it (initial_state), and a stream begins with zeros. Leave "
                "initial_state out.",
            )
        if not _begins_with_zeros(layer):
            self._refuse(layer, "begins with a state of its own making, and a stream begins with zeros.")
        self.carrying, self.keeps_something = layer, True
        try:
            return super().call_rnn(layer, own, sequences, None, mask, **kwargs)
        finally:
            self.carrying = None

    def call_bidirectional(
        self, layer: Any, own: Callable, sequences: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Refuses to run from the end."""
        if self._has_steps(sequences):
            self._refuse(layer, f"runs from the end too, {_LATER} Build the model with a forward layer alone.")
        return super().call_bidirectional(layer, own, sequences, initial_state, mask, **kwargs)

    def call_convolution(self, layer: Any, own: Callable, inputs: Any, **kwargs: Any) -> Any:
        """Runs a causal convolution over the steps that it has kept and the new ones."""
        [stride], [dilation], [size] = layer.strides, layer.dilation_rate, layer.kernel_size
        kept = (size - 1) * dilation
        if not self._has_steps(inputs) or not kept or layer.padding != "causal" or stride > 1:
            return self.call_steps(layer, own, inputs, **kwargs)
        if layer.data_format != "channels_last":
            self._refuse(layer, "has its steps last (data_format='channels_first'). Build it with 'channels_last'.")
        self.keeps_something = True
        buffer = self._state(inputs, [kept, inputs.shape[2]])
        whole = tf.concat([tf.cast(buffer, inputs.dtype), inputs], axis=1)  # (batch, kept + time, channels)
        outputs = type(layer).call(twin_of(layer, padding="valid"), whole, **kwargs)  # (batch, time, filters)
        final = tf.ensure_shape(whole[:, -kept:], [inputs.shape[0], kept, inputs.shape[2]])
        name = self.namer.name(layer, levels=0)
        self.loop_states.append(LoopState(f"{name}/initial_steps", buffer, tf.cast(final, tf.float32)))
        return tf.ensure_shape(outputs, [*inputs.shape[:2], outputs.shape[2]])

    def call_steps(self, layer: Any, own: Callable, *args: Any, **kwargs: Any) -> Any:
        """Runs any other layer or operation, which is to treat each step apart."""
        tensors = [each for each in keras.tree.flatten((args, kwargs)) if tf.is_tensor(each)]
        steps = [self._has_steps(each) for each in tensors]
        if any(steps) and not _runs_others(layer):
            if self._joins_answers([each for each, has in zip(tensors, steps, strict=True) if not has]):
                self._refuse(
                    layer,
                    "brings an answer about all steps so far together with each single step, and earlier steps would "
                    "have had another answer.",
                )
            with plainly():
                found = mixing_of(layer, own, args, kwargs)
            if found is not None:
                self._refuse(layer, _why(layer, found))
        return own(*args, **kwargs)

    def _is_stateful(self, layer: Any, states: list[Any]) -> bool:
        """Whether the layer's states become inputs and outputs of the file."""
        return layer is self.carrying or super()._is_stateful(layer, states)

    def _stateful_loop(self, layer: Any, sequences: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        """Runs a layer as Keras does; what masked steps repeat is carried beside its states."""
        if layer is not self.carrying:
            return super()._stateful_loop(layer, sequences, mask, kwargs)
        mask = self._two_axes(layer, mask)
        name = self.namer.name(layer, levels=0)
        shaped = layer.get_initial_state(batch_size=tf.shape(sequences)[0])
        output, finals = self._loop_with_states(layer, name, shaped, sequences, mask, kwargs)
        if mask is not None and not layer.zero_output_for_mask:
            output = self._repeated(layer, name, output, mask)
        return (output, *finals) if layer.return_state else output

    def _repeated(self, layer: Any, name: str, output: Any, mask: Any) -> Any:
        """Gives masked steps in front of the first real one the output before them, of an earlier call.

        Args:
            layer: the recurrent layer.
            name: of its states.
            output: (batch, time, ...), or (batch, ...) without `return_sequences`.
            mask: bool (batch, time).
        """
        before = self._state(output, output.shape[2 if layer.return_sequences else 1 :])
        earlier = tf.cast(before, output.dtype)
        if layer.return_sequences:
            real = tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0  # (batch, time)
            earlier = tf.expand_dims(earlier, 1)  # (batch, 1, ...)
        else:
            real = tf.reduce_any(mask, axis=1)  # (batch,)
        for _ in range(len(output.shape) - len(real.shape)):
            real = tf.expand_dims(real, -1)
        whole = tf.where(real, output, earlier)
        last = whole[:, -1] if layer.return_sequences else whole
        self.loop_states.append(LoopState(f"{name}/initial_output", before, tf.cast(last, tf.float32)))
        return whole

    def _has_steps(self, tensor: Any) -> bool:
        """Whether a tensor of the model's own graph has an axis of steps."""
        shape = getattr(tensor, "shape", None)
        if shape is None or tf.TensorShape(shape).rank is None or len(shape) < 2 or shape[1] is not None:
            return False
        return tf.compat.v1.get_default_graph() is self.graph

    def _joins_answers(self, tensors: list[Any]) -> bool:
        """Whether any of these, which have no steps, was made of steps."""
        waiting, seen = [each.op for each in tensors if hasattr(each, "graph") and len(each.shape)], set()
        while waiting:
            operation = waiting.pop()
            if operation.name in seen or operation.type == "Shape":
                continue
            seen.add(operation.name)
            if operation.type == "Placeholder" and self._has_steps(operation.outputs[0]):
                return True
            waiting += [each.op for each in operation.inputs]
        return False

    def _refuse(self, layer: Any, why: str) -> None:
        kind = "layer" if isinstance(layer, keras.Layer) else f"operation {type(layer).__name__}"
        self.refuse(f"{kind} {layer.name!r} cannot be part of a stream: it {why}")


def _begins_with_zeros(layer: Any) -> bool:
    """Whether a layer that is given no initial state begins with zeros."""
    if starts_at_zero(layer):
        return True
    with plainly(), tf.init_scope():
        states = layer.get_initial_state(batch_size=2)
    return not any(np.any(np.asarray(state)) for state in keras.tree.flatten(states))


def _runs_others(layer: Any) -> bool:
    """Whether a layer runs others in it that keep something from step to step, which are asked themselves."""
    keeping = (_LAYERS.RNN, _LAYERS.Bidirectional, _LAYERS.TimeDistributed, _LAYERS.Conv1D, keras.Model)
    return any(isinstance(each, keeping) for each in all_layers(layer) if each is not layer)


def _why(layer: Any, found: Mixing) -> str:
    if isinstance(layer, _LAYERS.Conv1D):
        if layer.strides[0] > 1:
            return f"has strides of {layer.strides[0]}, and gives fewer steps than it takes. Build it with strides=1."
        return f"reads steps behind each one (padding={layer.padding!r}), {_LATER} Build it with padding='causal'."
    for kinds, why in _WHY:
        if isinstance(layer, kinds):
            return why
    return {
        Mixing.OTHER_NUMBER: "gives another number of steps than it takes. Leave it out.",
        Mixing.REFUSED: "does not take any number of steps. Write it so that it does, each step apart.",
        Mixing.ANSWER: f"makes {_REDUCES}",
        Mixing.STEPS: "mixes steps: what it gives for one depends on others. Use a recurrent layer, or a Conv1D with "
        "padding='causal', whose states a stream carries.",
    }[found]
