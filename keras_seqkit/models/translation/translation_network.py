"""Encoder and decoders of a translator, as Keras layers."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_seqkit.layers import BidirectionalStack, RecurrentAttention
from keras_seqkit.layers import _recurrent_arguments as recurrent
from keras_seqkit.models.embeddings import embed, width_of
from keras_seqkit.text.vocabulary import PADDING_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

FED = "decoder/attended"  # the state that input feeding carries
ATTENTION_SCORES = {"luong": "general", "bahdanau": "additive"}
Tensors = dict[str, Any]


class SourceEncoder(keras.layers.Layer):
    """Reads source sentences in both directions.

    Args:
        embedding: a built layer that makes vectors of ids.
        units: the width of each layer in one direction.
        cell: the cell of all layers.
        dropout: the fraction of each layer's input that is dropped in training.
        whole: whether the outputs of all steps and the states of all layers are returned, or the last output.

    Call:
        ids: integers (batch, time), 0 behind each sentence.

    Returns:
        With `whole`: float (batch, time, 2 * units), and the final states of all layers: a list of (batch, units).
        Else: float (batch, 2 * units), and an empty list.
    """

    def __init__(self, embedding: Any, units: Sequence[int], cell: str, dropout: float, whole: bool, **kwargs: Any):
        super().__init__(**kwargs)
        inherited: dict[str, Any] = {"dtype": self.dtype_policy}
        self.embedding = embedding
        self.stack = BidirectionalStack(units, cell, whole, whole, dropout=dropout, name="stack", **inherited)
        self.stack.build((None, None, width_of(embedding)))
        self.built = True

    def call(self, ids: Any, training: bool | None = None) -> tuple[Any, list[Any]]:
        """See the class."""
        mask = ops.not_equal(ids, PADDING_ID)  # (batch, time)
        found = self.stack(embed(self.embedding, ids, self.compute_dtype), mask=mask, training=training)
        return (found[0], list(found[1:])) if isinstance(found, (list, tuple)) else (found, [])


class Decoder(keras.layers.Layer):
    """What both decoders share: their target's vocabulary, and logits.

    Args:
        vocab: the size of the target's vocabulary.
        units: the width of each recurrent layer.
        cell: the cell of all layers.
        dropout: the fraction of embeddings and of the last output that is dropped in training.
    """

    attends = False  # whether it has attention weights to show

    def __init__(self, vocab: int, units: Sequence[int], cell: str, dropout: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.vocab = vocab
        self.units = tuple(units)
        self.cell = cell
        self.dropout_before_logits = keras.layers.Dropout(dropout, name="dropout")

    def make_layers(self, width: int, return_sequences: bool) -> list[Any]:
        """Makes and builds the recurrent layers, for inputs of some width."""
        layers = []
        for index, units in enumerate(self.units):
            layer = recurrent.RECURRENT_LAYERS[self.cell](
                units,
                return_sequences=return_sequences,
                return_state=not return_sequences,
                dtype=self.dtype_policy,
                name=f"{self.cell}_{index}",
            )
            layer.build((None, None, width))
            layers.append(layer)
            width = units
        return layers

    def read(self, outputs: Any, states: list[Any], mask: Any, room: Any, training: bool | None) -> tuple:
        """Prepares for a sentence.

        Args:
            outputs: what the encoder returned.
            states: what the encoder returned.
            mask: bool (batch, time), the real steps of the source.
            room: integers (length,); its length says how many tokens may be written.
            training: whether dropout is active.

        Returns:
            Two dicts of tensors: the memory, of which all beams of a sentence share a row, and the states before the
            first token, (batch, ...) each.
        """
        raise NotImplementedError

    def step(self, token: Any, memory: Tensors, states: Tensors, index: Any, by_cells: bool) -> tuple[Any, Tensors]:
        """Reads one token and gives logits of the next.

        Args:
            token: int32 (batch * beams,).
            memory: of the sentences, (batch, ...) each.
            states: of the beams, (batch * beams, ...) each.
            index: int32 (), how many tokens were written before.
            by_cells: whether the layers' cells are called, which is quicker in Keras, or the layers themselves.

        Returns:
            float32 (batch * beams, vocab), and the new states.
        """
        raise NotImplementedError

    def all_logits(self, target: Any, memory: Tensors, states: Tensors, training: bool | None) -> tuple[Any, Any]:
        """Gives logits after each token of a known target (teacher forcing).

        Args:
            target: integers (batch, target time), `[START]` first.
            memory: see `read`.
            states: see `read`.
            training: whether dropout is active.

        Returns:
            float32 (batch, target time, vocab), and the attention: float (batch, target time, time), or `None`.
        """
        raise NotImplementedError


class AttentionDecoder(Decoder):
    """A recurrent decoder that attends to the source at each step, with input feeding.

    The step is Luong's: recurrent layers read the embedding of the last token and what was attended before; attention
    finds a context; ``attended = tanh(W [context, state])`` gives the logits, and is fed to the next step.

    Args:
        attention: ``"luong"`` or ``"bahdanau"``: how states and source are compared.
        tie_embeddings: whether the target's embedding, transposed, gives the logits.
        embedding: a built layer that makes vectors of the target's ids.
        encoder_width: the width of the encoder's outputs.
        **kwargs: as in `Decoder`.
    """

    attends = True

    def __init__(self, attention: str, tie_embeddings: bool, embedding: Any, encoder_width: int, **kwargs: Any):
        super().__init__(**kwargs)
        inherited: dict[str, Any] = {"dtype": self.dtype_policy}
        self.tie_embeddings = tie_embeddings
        self.embedding = embedding
        width = width_of(embedding)
        self.attended_size = width if tie_embeddings else self.units[-1]
        self.recurrent_layers = self.make_layers(width + self.attended_size, return_sequences=False)
        # The encoder's two directions, joined: the decoder begins with what it makes of them.
        self.bridges = {
            name: keras.layers.Dense(units, activation="tanh", name=f"bridge_{name.replace('/', '_')}", **inherited)
            for layer, units in zip(self.recurrent_layers, self.units, strict=True)
            for name in self._state_names(layer)
        }
        for bridge, units in zip(self.bridges.values(), self._units_of_states(), strict=True):
            bridge.build((None, 2 * units))
        self.attention = RecurrentAttention(ATTENTION_SCORES[attention], name="attention", **inherited)
        self.attention.build((None, None, self.units[-1]), (None, None, encoder_width))
        self.combine = keras.layers.Dense(
            self.attended_size, activation="tanh", use_bias=False, name="combine", **inherited
        )
        self.combine.build((None, encoder_width + self.units[-1]))
        if tie_embeddings:
            self.bias = self.add_weight(shape=(self.vocab,), initializer="zeros", name="bias")
        else:
            self.head = keras.layers.Dense(self.vocab, dtype="float32", name="head")
            self.head.build((None, self.attended_size))
        self.dropout_of_embeddings = keras.layers.Dropout(self.dropout_before_logits.rate, name="embedding_dropout")
        self.built = True

    def _state_names(self, layer: keras.layers.Layer) -> list[str]:
        return [f"decoder/{layer.name}/{state}" for state in recurrent.STATE_NAMES[self.cell]]

    def _units_of_states(self) -> list[int]:
        return [units for units in self.units for _ in recurrent.STATE_NAMES[self.cell]]

    def read(self, outputs: Any, states: list[Any], mask: Any, room: Any, training: bool | None) -> tuple:
        """See `Decoder`."""
        del room, training
        begin, count = {}, len(recurrent.STATE_NAMES[self.cell])
        for index, (name, bridge) in enumerate(self.bridges.items()):
            layer, state = divmod(index, count)
            forward, backward = (states[2 * count * layer + state + direction * count] for direction in (0, 1))
            begin[name] = ops.cast(bridge(ops.concatenate([forward, backward], axis=1)), "float32")  # (batch, units)
        begin[FED] = ops.zeros_like(ops.matmul(begin[name], ops.zeros((self.units[-1], self.attended_size))))
        memory = {
            "memory/keys": self.attention.keys(outputs),
            "memory/values": outputs,
            "memory/mask_bias": self.attention.mask_bias(mask),
        }
        return memory, begin

    def step(self, token: Any, memory: Tensors, states: Tensors, index: Any, by_cells: bool) -> tuple[Any, Tensors]:
        """See `Decoder`."""
        del index
        states = self._advance(embed(self.embedding, token, self.compute_dtype), memory, states, by_cells)
        return self._logits(states[FED]), states

    def all_logits(self, target: Any, memory: Tensors, states: Tensors, training: bool | None) -> tuple[Any, Any]:
        """See `Decoder`."""
        names = sorted(states)
        embedded = embed(self.embedding, target, self.compute_dtype)  # (batch, target time, dim)
        embedded = self.dropout_of_embeddings(embedded, training=training)

        def advance(before: tuple, embedded_token: Any) -> tuple:
            after = self._advance(embedded_token, memory, dict(zip(names, before, strict=True)), True)
            # TensorFlow's scan takes for granted that each step gives what it carries.
            return (tuple(after[name] for name in names),) * 2

        begin = tuple(states[name] for name in names)
        _, steps = ops.scan(advance, begin, ops.transpose(embedded, (1, 0, 2)))
        of_all = {name: ops.transpose(each, (1, 0, 2)) for name, each in zip(names, steps, strict=True)}
        attended = self.dropout_before_logits(of_all[FED], training=training)  # (batch, target time, attended)
        query = ops.cast(of_all[self._state_names(self.recurrent_layers[-1])[0]], self.compute_dtype)
        _, weights = self._attend(query, memory)
        return self._logits(attended), weights  # (batch, target time, time)

    def _advance(self, embedded: Any, memory: Tensors, states: Tensors, by_cells: bool) -> Tensors:
        """Runs one step for embedded tokens, (rows, dim)."""
        x, new = ops.concatenate([embedded, ops.cast(states[FED], embedded.dtype)], axis=1), {}
        for layer in self.recurrent_layers:
            names = self._state_names(layer)
            given = [ops.cast(states[name], layer.compute_dtype) for name in names]
            if by_cells:
                x, finals = layer.cell(x, given, training=False)  # (rows, units)
            else:
                x, *finals = layer(ops.expand_dims(x, 1), initial_state=given, training=False)
            finals = finals if isinstance(finals, (list, tuple)) else [finals]
            new.update({name: ops.cast(state, "float32") for name, state in zip(names, finals, strict=True)})
        batch = ops.shape(memory["memory/values"])[0]
        query = ops.reshape(x, (batch, -1, self.units[-1]))  # (batch, beams, units)
        context, _ = self._attend(query, memory)
        context = ops.reshape(context, (-1, context.shape[-1]))  # (rows, encoder width)
        new[FED] = ops.cast(self.combine(ops.concatenate([context, x], axis=1)), "float32")
        return new

    def _attend(self, query: Any, memory: Tensors) -> tuple[Any, Any]:
        keys, values = memory["memory/keys"], memory["memory/values"]
        return self.attention.attend(query, keys, values, memory["memory/mask_bias"])

    def _logits(self, attended: Any) -> Any:
        if not self.tie_embeddings:
            return self.head(attended)
        table = ops.transpose(self.embedding.embeddings[: self.vocab])  # (dim, vocab)
        attended = ops.cast(attended, self.compute_dtype)
        return ops.cast(ops.matmul(attended, ops.cast(table, attended.dtype)), "float32") + self.bias


class RepeatVectorDecoder(Decoder):
    """Writes the whole sentence in one pass, from the source's last output repeated at each step.

    The textbook's encoder - `RepeatVector` - recurrent layers - `TimeDistributed(Dense)`, for any number of steps.

    Args:
        encoder_width: the width of the encoder's output.
        **kwargs: as in `Decoder`.
    """

    def __init__(self, encoder_width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.recurrent_layers = self.make_layers(encoder_width, return_sequences=True)
        self.head = keras.layers.Dense(self.vocab, dtype="float32", name="head")
        self.head.build((None, None, self.units[-1]))
        self.built = True

    def read(self, outputs: Any, states: list[Any], mask: Any, room: Any, training: bool | None) -> tuple:
        """See `Decoder`."""
        del states, mask
        steps = ops.expand_dims(ops.ones_like(room, dtype=outputs.dtype), 1)  # (length, 1)
        x = ops.expand_dims(outputs, 1) * ops.expand_dims(steps, 0)  # (batch, length, encoder width)
        for layer in self.recurrent_layers:
            x = layer(x, training=training)  # (batch, length, units)
        return {"memory/logits": self.head(self.dropout_before_logits(x, training=training))}, {}

    def step(self, token: Any, memory: Tensors, states: Tensors, index: Any, by_cells: bool) -> tuple[Any, Tensors]:
        """See `Decoder`; every beam of a sentence gets the same."""
        del by_cells
        logits = ops.expand_dims(ops.take(memory["memory/logits"], index, axis=1), 1)  # (batch, 1, vocab)
        beams = ops.reshape(token, (ops.shape(logits)[0], -1, 1))  # (batch, beams, 1)
        return ops.reshape(logits + ops.cast(beams * 0, "float32"), (-1, self.vocab)), states

    def all_logits(self, target: Any, memory: Tensors, states: Tensors, training: bool | None) -> tuple[Any, Any]:
        """See `Decoder`."""
        del target, states, training
        return memory["memory/logits"], None
