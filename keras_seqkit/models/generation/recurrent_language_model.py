"""The network of a language model: ids in, logits of the next token out, states carried."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seqkit.layers import _recurrent_arguments as recurrent
from keras_seqkit.models.embeddings import check_embedding, check_tokens, embed, embedding_table
from keras_seqkit.models.generation.language_training import StreamReading
from keras_seqkit.models.text_model import TextModel, build_layer
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import check_numbers
from keras_seqkit.text.validation import check_has_ends

ops: Any = keras.ops  # Keras's annotations know no tensors


class RecurrentLanguageModel(TextModel):
    """Embedding, recurrent layers and logits of the next token: the base of `TextGenerator`, which describes it."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        units: int | Sequence[int] = (256, 256),
        cell: str = "lstm",
        embedding: int | keras.layers.Layer = 64,
        dropout: float = 0.0,
        tie_weights: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.reading = StreamReading()
        check_has_ends(vocabulary, "TextGenerator")
        self.vocabulary = vocabulary
        self.units = recurrent.checked_units(units, "TextGenerator")
        if cell not in recurrent.RECURRENT_LAYERS:
            raise ValueError(
                f"TextGenerator: cell is one of {list(recurrent.RECURRENT_LAYERS)}; received {cell!r}. All layers "
                "have the same."
            )
        self.cell = cell
        self.dropout_rate = recurrent.checked_fraction("dropout", dropout, "TextGenerator")
        self.tie_weights = tie_weights
        check_embedding("TextGenerator", embedding, len(vocabulary))
        check_numbers("TextGenerator", "the last layer", len(vocabulary), self.units[-1])
        self.embedding = self._make_embedding(embedding)
        layer = recurrent.RECURRENT_LAYERS[cell]
        self.recurrent_layers = [
            layer(width, return_sequences=True, return_state=True, dtype=self.dtype_policy, name=f"{cell}_{index}")
            for index, width in enumerate(self.units)
        ]
        self.dropouts = [
            keras.layers.Dropout(dropout, dtype=self.dtype_policy, name=f"dropout_{index}")
            for index in range(len(self.units) + 1)
        ]
        self.projection = None
        dim = self.embedding.output_dim if tie_weights else None
        if tie_weights and self.units[-1] != dim:
            self.projection = keras.layers.Dense(dim, use_bias=False, dtype=self.dtype_policy, name="projection")
        self.head = None if tie_weights else keras.layers.Dense(len(vocabulary), dtype="float32", name="head")
        self.build()

    def _make_embedding(self, embedding: Any) -> Any:
        if isinstance(embedding, int):
            return keras.layers.Embedding(len(self.vocabulary), embedding, dtype=self.dtype_policy, name="embedding")
        check_tokens("TextGenerator", embedding, self.vocabulary)
        rows = getattr(embedding, "input_dim", len(self.vocabulary))
        if self.tie_weights and rows != len(self.vocabulary):
            raise ValueError(
                f"TextGenerator: the embedding has {rows} rows and the vocabulary {len(self.vocabulary)} tokens. "
                "Make both from the same vocabulary."
            )
        if self.tie_weights and not isinstance(embedding, keras.layers.Embedding):
            raise ValueError("TextGenerator: tie_weights=True needs a keras.layers.Embedding. Pass tie_weights=False.")
        return embedding

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers; the constructor has done it."""
        if not self.built:
            self.built = True
            if self.tie_weights:
                self.bias = self.add_weight(
                    shape=(len(self.vocabulary),), initializer="zeros", autocast=False, name="bias"
                )
            self._build_layers()
            keras.Model.__call__(self, np.zeros((1, 2), np.int32))

    def _lock_state(self) -> None:
        """Does nothing, where Keras forbids new attributes: a subclass may add metrics after this constructor."""

    def _build_layers(self) -> None:
        """Builds all layers for batches and times of any size, as `summary` shows them."""
        build_layer(self.embedding, (None, None))
        shape = self.embedding.compute_output_shape((None, None))  # (batch, time, dim)
        for layer, dropout in zip(self.recurrent_layers, self.dropouts, strict=False):
            build_layer(dropout, shape)
            build_layer(layer, shape)
            shape = (None, None, layer.units)
        for layer in (self.dropouts[-1], self.projection, self.head):
            if layer is not None:
                build_layer(layer, shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """See the class."""
        outputs, _ = self.run(inputs, mask=ops.not_equal(inputs, 0), training=training)
        return self.logits(self.dropouts[-1](outputs, training=training))

    def run(
        self, ids: Any, states: dict[str, Any] | None = None, mask: Any = None, training: bool | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Runs the network up to its last recurrent layer.

        Args:
            ids: integers (batch, time).
            states: what it begins with, by name, (batch, units) each; `None`: zeros.
            mask: bool (batch, time); `None`: all steps are real.
            training: whether dropout is active.

        Returns:
            The last layer's output, (batch, time, units), and the states of all layers after the last real step.
        """
        x, new = self._embed(ids), {}  # (batch, time, dim)
        for layer, dropout in zip(self.recurrent_layers, self.dropouts, strict=False):
            names = self._state_names(layer)
            given = None if states is None else [states[name] for name in names]
            x = dropout(x, training=training)
            x, *finals = layer(x, initial_state=given, mask=mask, training=training)  # (batch, time, units)
            new.update(_as_float32(names, finals))
        return x, new

    def run_cells(self, ids: Any, states: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Runs one step, integers (batch,), through the layers' cells: what `run` gives, without its loops."""
        x, new = self._embed(ids), {}  # (batch, dim)
        for layer in self.recurrent_layers:
            names = self._state_names(layer)
            given = [ops.cast(states[name], layer.compute_dtype) for name in names]
            x, finals = layer.cell(x, given, training=False)  # (batch, units)
            new.update(_as_float32(names, finals if isinstance(finals, (list, tuple)) else [finals]))
        return x, new

    def _embed(self, ids: Any) -> Any:
        return embed(self.embedding, ids, self.compute_dtype)

    def _state_names(self, layer: keras.layers.Layer) -> list[str]:
        return [f"{layer.name}/{state}" for state in recurrent.STATE_NAMES[self.cell]]

    @property
    def output_state(self) -> str:
        """The name of the state that is the last layer's output."""
        return self._state_names(self.recurrent_layers[-1])[0]

    @property
    def state_sizes(self) -> dict[str, int]:
        """The units of each state, by name."""
        return {
            name: width
            for layer, width in zip(self.recurrent_layers, self.units, strict=True)
            for name in self._state_names(layer)
        }

    def logits(self, outputs: Any) -> Any:
        """Turns the last layer's output into logits of the next token: (..., units) to float32 (..., vocab)."""
        if self.head is not None:
            return self.head(outputs)
        x = outputs if self.projection is None else self.projection(outputs)
        table = ops.transpose(embedding_table(self.embedding))  # (dim, vocab)
        return ops.cast(ops.matmul(x, ops.cast(table, x.dtype)), "float32") + self.bias


def _as_float32(names: list[str], states: Sequence[Any]) -> dict[str, Any]:
    """Names states, which are carried in float32 whatever the layers compute in."""
    return {name: ops.cast(state, "float32") for name, state in zip(names, states, strict=True)}
