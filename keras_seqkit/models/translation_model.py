"""The network of a translator: an encoder, and one of two decoders."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_seqkit.layers import _recurrent_arguments as recurrent
from keras_seqkit.models.embedding_size import check_embedding
from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.models.translation_network import (
    ATTENTION_SCORES,
    AttentionDecoder,
    RepeatVectorDecoder,
    SourceEncoder,
)
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from keras_seqkit.text.limits import MAX_STEPS, check_limit, check_numbers
from keras_seqkit.text.validation import check_has_ends

ops: Any = keras.ops  # Keras's annotations know no tensors

DECODERS = ("attention", "repeat_vector")


class TranslationModel(TracedAhead):
    """Encoder, decoder and their configuration: the base of `Seq2SeqTranslator`, which describes it."""

    def __init__(
        self,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        units: int | Sequence[int] = 256,
        cell: str = "lstm",
        embedding: int = 128,
        decoder: str = "attention",
        max_length: int = 64,
        attention: str = "luong",
        dropout: float = 0.2,
        tie_embeddings: bool = False,
        detokenizer: Detokenizer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        for vocabulary in (source_vocabulary, target_vocabulary):
            check_has_ends(vocabulary, owner)
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.units = recurrent.checked_units(units, owner)
        for name, value, choices in (
            ("cell", cell, list(recurrent.RECURRENT_LAYERS)),
            ("decoder", decoder, list(DECODERS)),
            ("attention", attention, list(ATTENTION_SCORES)),
        ):
            if value not in choices:
                raise ValueError(f"{owner}: {name} is one of {choices}; received {value!r}.")
        for name, value in (("embedding", embedding), ("max_length", max_length)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{owner}: {name} is an integer of at least 1; received {value!r}.")
        check_limit(owner, "max_length", max_length, MAX_STEPS)
        for vocabulary in (source_vocabulary, target_vocabulary):
            check_embedding(owner, embedding, len(vocabulary))
        check_numbers(owner, "the last layer", len(target_vocabulary), self.units[-1])
        if tie_embeddings and decoder == "repeat_vector":
            raise ValueError(f"{owner}: decoder='repeat_vector' has no embedding to tie. Pass tie_embeddings=False.")
        self.cell = cell
        self.embedding_size = embedding
        self.decoder_kind = decoder
        self.max_length = max_length
        self.attention = attention
        self.dropout_rate = recurrent.checked_fraction("dropout", dropout, owner)
        self.tie_embeddings = tie_embeddings
        self.detokenizer = detokenizer
        inherited = {"cell": cell, "dropout": dropout, "dtype": self.dtype_policy}
        attends = decoder == "attention"
        self.encoder = SourceEncoder(
            len(source_vocabulary), embedding, self.units, whole=attends, name="encoder", **inherited
        )
        sizes = {"vocab": len(target_vocabulary), "embedding": embedding, "units": self.units}
        sizes |= {"encoder_width": 2 * self.units[-1], "name": "decoder"}
        if attends:
            self.decoder: Any = AttentionDecoder(attention, tie_embeddings, **sizes, **inherited)
        else:
            self.decoder = RepeatVectorDecoder(**sizes, **inherited)
        self.built = True

    def build(self, input_shape: Any = None) -> None:
        """Does nothing: the constructor built all layers."""

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """See the class."""
        return self.teach(inputs, training)[0]

    def teach(self, inputs: dict[str, Any], training: bool | None = None) -> tuple[Any, Any]:
        """Returns what calling the model does, and the attention: float (batch, target time, time), or `None`."""
        target = inputs["target"]
        memory, states = self.read(inputs["source"], target[0], training)
        return self.decoder.all_logits(target, memory, states, training)

    def read(self, ids: Any, room: Any, training: bool | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reads source sentences; see `Decoder.read`."""
        outputs, states = self.encoder(ids, training=training)
        return self.decoder.read(outputs, states, ops.not_equal(ids, 0), room, training)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "source_vocabulary": self.source_vocabulary.get_config(),
            "target_vocabulary": self.target_vocabulary.get_config(),
            "units": list(self.units),
            "cell": self.cell,
            "embedding": self.embedding_size,
            "decoder": self.decoder_kind,
            "max_length": self.max_length,
            "attention": self.attention,
            "dropout": self.dropout_rate,
            "tie_embeddings": self.tie_embeddings,
            "detokenizer": None if self.detokenizer is None else self.detokenizer.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        for name in ("source_vocabulary", "target_vocabulary"):
            config[name] = Vocabulary.from_config(config[name])
        if config["detokenizer"] is not None:
            config["detokenizer"] = Detokenizer(**config["detokenizer"])
        config["dtype"] = keras.saving.deserialize_keras_object(config["dtype"], custom_objects=custom_objects)
        return cls(**config)
