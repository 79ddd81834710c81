"""The network of a translator: an encoder, and one of two decoders."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_seqkit.layers import _recurrent_arguments as recurrent
from keras_seqkit.models.embeddings import embedding_layer, width_of
from keras_seqkit.models.text_model import TextModel
from keras_seqkit.models.translation.translation_network import (
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
LAYER = "layer"
SHARED = "shared"  # in a config: the target's embedding is the source's


class TranslationModel(TextModel):
    """Encoder, decoder and their configuration: the base of `Seq2SeqTranslator`, which describes it."""

    def __init__(
        self,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        units: int | Sequence[int] = 256,
        cell: str = "lstm",
        embedding: Any = 128,
        decoder: str = "attention",
        max_length: int = 64,
        attention: str = "luong",
        dropout: float = 0.2,
        tie_embeddings: bool = False,
        detokenizer: Detokenizer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if keras.backend.backend() == "tensorflow":
            self.supports_jit = False  # XLA has no gradient of a loop over as many steps as a batch happens to have
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
        if isinstance(max_length, bool) or not isinstance(max_length, int) or max_length < 1:
            raise ValueError(f"{owner}: max_length is an integer of at least 1; received {max_length!r}.")
        check_limit(owner, "max_length", max_length, MAX_STEPS)
        check_numbers(owner, "the last layer", len(target_vocabulary), self.units[-1])
        if tie_embeddings and decoder == "repeat_vector":
            raise ValueError(f"{owner}: decoder='repeat_vector' has no embedding to tie. Pass tie_embeddings=False.")
        self.cell = cell
        self.decoder_kind = decoder
        self.max_length = max_length
        self.attention = attention
        self.dropout_rate = recurrent.checked_fraction("dropout", dropout, owner)
        self.tie_embeddings = tie_embeddings
        self.detokenizer = detokenizer
        inherited = {"cell": cell, "dropout": dropout, "dtype": self.dtype_policy}
        attends = decoder == "attention"
        of_source, of_target = self._embeddings(embedding)
        self.encoder = SourceEncoder(of_source, self.units, whole=attends, name="encoder", **inherited)
        sizes = {"vocab": len(target_vocabulary), "units": self.units}
        sizes |= {"encoder_width": 2 * self.units[-1], "name": "decoder"}
        if attends:
            self.decoder: Any = AttentionDecoder(attention, tie_embeddings, of_target, **sizes, **inherited)
        else:
            self.decoder = RepeatVectorDecoder(**sizes, **inherited)
        self.built = True

    def _embeddings(self, embedding: Any) -> tuple[Any, Any]:
        """Makes the source's and the target's embedding; a decoder that reads no tokens has none."""
        owner = type(self).__name__
        pair = tuple(embedding) if isinstance(embedding, (list, tuple)) else (embedding, None)
        if len(pair) != 2:
            raise ValueError(
                f"{owner}: embedding is one, or a pair for source and target; received {len(pair)} of them."
            )
        attends = self.decoder_kind == "attention"
        if not attends and isinstance(pair[1], keras.layers.Layer):
            raise ValueError(
                f"{owner}: decoder='repeat_vector' reads no tokens of the target, so it has no embedding for "
                f"{pair[1].name!r}. Pass embedding=layer, for the source alone."
            )
        source = embedding_layer(owner, pair[0], self.source_vocabulary, self.dtype_policy, "the source's embedding")
        self.embedding_size = width_of(source)
        forms = [LAYER if isinstance(each, keras.layers.Layer) else each for each in pair]
        if forms[1] == LAYER and pair[0] is pair[1]:
            forms[1] = SHARED
        self.embedding_forms = tuple(forms)
        self.has_pair_of_embeddings = isinstance(embedding, (list, tuple))
        if not attends:
            return source, None
        given = self.embedding_size if pair[1] is None else pair[1]
        target = embedding_layer(owner, given, self.target_vocabulary, self.dtype_policy, "the target's embedding")
        if self.tie_embeddings and not isinstance(target, keras.layers.Embedding):
            raise ValueError(
                f"{owner}: tie_embeddings needs a table of vectors, a keras.layers.Embedding such as GloveEmbedding; "
                f"received {type(target).__name__}. Pass tie_embeddings=False."
            )
        return source, target

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
            "embedding": self._embedding_config(),
            "decoder": self.decoder_kind,
            "max_length": self.max_length,
            "attention": self.attention,
            "dropout": self.dropout_rate,
            "tie_embeddings": self.tie_embeddings,
            "detokenizer": None if self.detokenizer is None else self.detokenizer.get_config(),
        }

    def _embedding_config(self) -> Any:
        layers = (self.encoder.embedding, getattr(self.decoder, "embedding", None))
        forms = [
            keras.saving.serialize_keras_object(layer) if form == LAYER else form
            for form, layer in zip(self.embedding_forms, layers, strict=True)
        ]
        return forms if self.has_pair_of_embeddings else forms[0]

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        for name in ("source_vocabulary", "target_vocabulary"):
            config[name] = Vocabulary.from_config(config[name])
        if config["detokenizer"] is not None:
            config["detokenizer"] = Detokenizer(**config["detokenizer"])
        config["embedding"] = _embedding_from(config["embedding"], custom_objects)
        config["dtype"] = keras.saving.deserialize_keras_object(config["dtype"], custom_objects=custom_objects)
        return cls(**config)


def _embedding_from(config: Any, custom_objects: dict | None) -> Any:
    if isinstance(config, (list, tuple)):
        pair = [None if each == SHARED else _embedding_from(each, custom_objects) for each in config]
        return (pair[0], pair[0]) if SHARED in config else tuple(pair)
    if isinstance(config, dict):
        return keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
    return config
