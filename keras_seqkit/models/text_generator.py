"""Text that goes on in the style of the text it learned from."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_seqkit import samplers
from keras_seqkit.models.finite_weights import check_finite
from keras_seqkit.models.language_training import fit_language_model
from keras_seqkit.models.recurrent_language_model import RecurrentLanguageModel
from keras_seqkit.models.scoring import Scorer, text_list
from keras_seqkit.models.streaming import stream_text
from keras_seqkit.models.text_data import is_text
from keras_seqkit.models.writer import Writers, check_settings, prompt_list
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import stop_list

ops: Any = keras.ops  # Keras's annotations know no tensors

LEARNING_RATE = 2e-3
FORGET = 0.1  # of the streams: without, models of many short texts began theirs in the middle of a sentence
CLIP_NORM = 1.0  # of each gradient: the usual cure for a recurrence whose gradients explode


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TextGenerator(RecurrentLanguageModel):
    """A recurrent language model over characters or words: embedding, recurrent layers, and the next token's logits.

    It takes strings in `fit`, `evaluate`, `log_prob`, `perplexity` and `generate`. A text is read from `[START]` and
    written until `[END]`; an empty prompt is a text that begins.

    Args:
        vocabulary: the `Vocabulary` that makes ids of texts: ``level="char"`` for characters.
        units: the width of each recurrent layer, first to last; an int makes one layer.
        cell: ``"lstm"``, ``"gru"`` or ``"simple_rnn"``.
        embedding: the size of a trainable embedding, or a layer from ids to (batch, time, dim), such as
            `GloveEmbedding`.
        dropout: the fraction of each recurrent layer's input and of the last one's output that is dropped in training
            (Zaremba et al., 2014).
        tie_weights: whether the embedding's table, transposed, gives the logits too (Press and Wolf, 2017); where the
            last layer has another width, a projection without bias comes before it.
        **kwargs: as in `keras.Model`. With ``dtype="mixed_bfloat16"``, CPUs that have it train about half as long again
            as fast; the logits and the carried states remain float32.

    Call:
        ids: integers (batch, time), 0 where there is padding.

    Returns:
        float32 (batch, time, vocab): the logits of the token after each step.

    Masking:
        Steps with id 0 are masked.

    Raises:
        ValueError: an argument is out of its range, or the embedding has too few rows, or those of other tokens, or
            cannot be tied.

    Example:
    >>> from keras_seqkit import TextGenerator, Vocabulary
    >>> text = "the cat sat on the mat. the dog sat on the log. " * 4
    >>> model = TextGenerator(Vocabulary.from_texts([text], level="char"), units=16, embedding=8)
    >>> _ = model.fit(text, epochs=1, batch_size=4, length=20, verbose=0)
    >>> [written] = model.generate("the ", max_new_tokens=10, seed=1)
    >>> written.startswith("the "), len(written) <= 14
    (True, True)

    Source:
        Mikolov et al. (2010), Recurrent neural network based language model; Graves (2013), arXiv:1308.0850.
    """

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
        super().__init__(vocabulary, units, cell, embedding, dropout, tie_weights, **kwargs)
        self.writers = Writers(self)
        self.scorer = Scorer(self)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        epochs: int = 1,
        batch_size: int = 64,
        length: int = 100,
        step: int | None = None,
        validation_data: Any = None,
        callbacks: Sequence[Any] | None = None,
        seed: int = 0,
        forget: float = FORGET,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts; every position predicts its next token.

        Args:
            x: a string or a list of strings; or anything else that `keras.Model.fit` takes, which it then gets as it
                is.
            y: only for arrays.
            epochs: how often the texts are read.
            batch_size: rows of a batch.
            length: the tokens of a row, through which gradients flow.
            step: `None`: the texts, in a new order each epoch, are read as `batch_size` continuous streams, whose
                state is carried from batch to batch (truncated back-propagation through time). Else, windows of
                `length` tokens, each beginning `step` tokens after the one before, are shuffled, and begin without
                state.
            validation_data: a string or a list of strings, read as streams after each epoch: `val_loss`.
            callbacks: as in `keras.Model.fit`; their model is this one. `SampleText` shows how it writes.
            seed: of the order of texts and windows.
            forget: the fraction of the streams that begin a batch of training without state, beside those that begin
                a text there, so that the model also learns to begin: every text that is scored or written begins so.
                0: the state is always carried.
            **kwargs: `verbose`, `initial_epoch`, `steps_per_epoch` and the others of `keras.Model.fit`.

        Returns:
            Keras's `History`: `loss` is the mean of the cross-entropy, in nats a token.

        Raises:
            TypeError: a text is not a string.
            ValueError: there are no texts, or not one window.
        """
        if not self.compiled:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
            self.compile(keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM), loss)
        callbacks = list(callbacks or [])
        if not is_text(x):
            return super().fit(x, y, batch_size, epochs, validation_data=validation_data, callbacks=callbacks, **kwargs)
        texts = text_list(x)
        checks = None if validation_data is None else text_list(validation_data)
        arguments = {"epochs": epochs, "callbacks": callbacks, **kwargs}
        return fit_language_model(self, texts, checks, batch_size, length, step, seed, forget, arguments)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int = 32, **kwargs: Any) -> Any:
        """Measures how well texts are predicted, `[END]` included.

        Args:
            x: a string or a list of strings; or anything else that `keras.Model.evaluate` takes.
            y: only for arrays.
            batch_size: texts that are read at once.
            **kwargs: only for arrays.

        Returns:
            A dict: `loss`, nats a token; `perplexity`; `bits_per_character`, over the characters of the texts.
        """
        if not is_text(x):
            return super().evaluate(x, y, batch_size=batch_size, **kwargs)
        return self.scorer.evaluate(text_list(x), batch_size)

    def log_prob(self, texts: Any, batch_size: int = 32) -> np.ndarray:
        """Returns the natural logarithm of each text's probability, `[END]` included: float64 (batch,)."""
        return self.scorer.log_prob(text_list(texts), batch_size)

    def perplexity(self, texts: Any, batch_size: int = 32) -> float:
        """Returns the perplexity of texts: the exponential of the mean nats a token, `[END]` included."""
        return self.evaluate(texts, batch_size=batch_size)["perplexity"]

    def generate(
        self,
        prompts: Any = "",
        max_new_tokens: int = 100,
        sampler: Any = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        stop: Any = None,
        strip_prompt: bool = False,
        stream: bool = False,
    ) -> list[str] | Iterator[Any]:
        """Writes on from prompts.

        Args:
            prompts: a string, or a list of strings of any length; empty ones, and tokens that are not in the
                vocabulary, are read too.
            max_new_tokens: how many tokens are written at most; 0: none.
            sampler: a `Sampler`, or its name; `None`: `RandomSampler`.
            temperature: what logits are divided by; 0: the most probable token always.
            top_k: only the most probable tokens; 0, or more than there are: all.
            top_p: only the most probable tokens that hold this probability; 1: all.
            seed: what random numbers begin with, 64 bits. The same seed gives the same texts, at any batch size, in
                Keras and in an exported file.
            stop: a string, or a list of strings, where a text ends; it is left out.
            strip_prompt: whether the prompts are left out.
            stream: whether text is yielded as it is written.

        Returns:
            A list of texts, each beginning with its prompt, as it was given. With `stream`, an iterator: of strings
            for one prompt, of lists of strings for several; joined they are the texts.

        Raises:
            TypeError: a prompt is not a string, or the seed not an integer.
            ValueError: an argument is out of its range, the sampler cannot stream, or weights are not finite.
        """
        texts = prompt_list(prompts)
        check_settings(max_new_tokens, temperature, top_k, top_p, seed)
        stops = stop_list(stop)
        sampler = samplers.get(sampler)
        self.check_finite()
        writer = self.writers.of(sampler)
        settings = {"temperature": temperature, "top_k": min(top_k, len(self.vocabulary)), "top_p": top_p, "seed": seed}
        if stream:
            if not sampler.writes_each_step:
                raise ValueError(
                    f"TextGenerator.generate: {type(sampler).__name__} knows its text only at the end, and cannot "
                    "stream. Pass stream=False."
                )
            return stream_text(writer, texts, max_new_tokens, settings, stops, strip_prompt)
        found = writer.write(texts, max_new_tokens, settings, stops)
        return [each.text(stops, strip_prompt) for each in found]

    def check_finite(self) -> None:
        """Checks that each weight is a number.

        Raises:
            ValueError: one is not.
        """
        check_finite(self)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "dtype": serialize(self.dtype_policy),
            "vocabulary": self.vocabulary.get_config(),
            "units": list(self.units),
            "cell": self.cell,
            "embedding": serialize(self.embedding),
            "dropout": self.dropout_rate,
            "tie_weights": self.tie_weights,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "TextGenerator":
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        for part in ("embedding", "dtype"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)
