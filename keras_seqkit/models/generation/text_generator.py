"""Text that goes on in the style of the text it learned from."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_seqkit import samplers
from keras_seqkit.models.encoded_texts import without_none
from keras_seqkit.models.generation.language_training import (
    LENGTH,
    FreshStreams,
    LanguageTexts,
    StepLoss,
    StreamTraining,
)
from keras_seqkit.models.generation.recurrent_language_model import RecurrentLanguageModel
from keras_seqkit.models.generation.scoring import Scorer, text_list
from keras_seqkit.models.generation.streaming import stream_text
from keras_seqkit.models.generation.token_streams import ContinuousBatches
from keras_seqkit.models.generation.writer import Writers, check_count, check_settings, length_limits, prompt_list
from keras_seqkit.models.text_batches import padded_time
from keras_seqkit.models.text_data import is_text
from keras_seqkit.models.text_model import AUTO, DefaultCompilation, check_sizes, validation_parts, weights_of
from keras_seqkit.models.token_losses import token_crossentropy, token_loss, token_metrics
from keras_seqkit.models.word_joining import check_detokenizer, learned_detokenizer
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.continuation import Continuation, stop_list
from keras_seqkit.text.detokenization import Detokenizer
from keras_seqkit.text.ngram_arguments import real_number
from keras_seqkit.text.padding import pad_rows
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID, START_ID

ops: Any = keras.ops  # Keras's annotations know no tensors

LEARNING_RATE = 2e-3
BATCH_SIZE = 64
BATCH_SIZE_TO_READ = 32  # of what is only measured
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
        detokenizer: how words are joined, where the vocabulary is of words: capital letters, and spaces beside
            punctuation. `None`: `fit` learns it from texts in memory, not from a stream, which may be readable only
            once; a model that has none joins by spaces. To train on a stream, pass
            ``Detokenizer.from_texts(vocabulary, texts)``, of texts that show how words are written.
        **kwargs: as in `keras.Model`. With ``dtype="mixed_bfloat16"``, CPUs that have it train about half as long again
            as fast; the logits and the carried states remain float32.

    Call:
        ids: integers (batch, time), 0 where there is padding.

    Returns:
        float32 (batch, time, vocab): the logits of the token after each step.

    Masking:
        Steps with id 0 are masked.

    Raises:
        TypeError: the detokenizer is no `Detokenizer`.
        ValueError: an argument is out of its range, or the embedding has too few rows, or those of other tokens, or
            cannot be tied, or the detokenizer is of other words.

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
        *,
        detokenizer: Detokenizer | None = None,
        **kwargs: Any,
    ):
        check_detokenizer("TextGenerator", detokenizer, vocabulary)
        super().__init__(vocabulary, units, cell, embedding, dropout, tie_weights, **kwargs)
        self.detokenizer = detokenizer
        self.default_sampler: Any = None
        self._forget = FORGET
        self.writers = Writers(self)
        self.scorer = Scorer(self)

    def default_compilation(self) -> DefaultCompilation:
        """Returns Adam with clipped gradients, and the cross-entropy of real tokens."""
        return DefaultCompilation(keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM), token_crossentropy())

    def compile(self, optimizer: Any = AUTO, loss: Any = AUTO, *args: Any, sampler: Any = None, **kwargs: Any) -> None:
        """Compiles as `TextModel.compile` says.

        Args:
            optimizer: as in Keras; ``"auto"``: the model's own.
            loss: as in Keras, of logits; padding does not count. ``"auto"``: the model's own.
            *args: as in Keras.
            sampler: what `generate` chooses tokens by where it is given none: a `Sampler`, or its name.
            **kwargs: as in Keras.
        """
        if sampler is not None:
            self.default_sampler = samplers.get(sampler)
        super().compile(optimizer, loss, *args, **kwargs)
        object.__setattr__(self, "_loss_tracker", StepLoss(self.reading))  # Keras would track it as a metric more

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """See the class; within a step of training on streams their states are read on from."""
        if self.reading.streams is not None:
            return self.reading.streams.read(inputs, training)
        return super().call(inputs, training)

    @property
    def non_trainable_variables(self) -> list[Any]:
        """As in Keras; within a step of training on streams, their states too: JAX hands all that changes on."""
        return (super() if self.reading.streams is None else self.reading.streams).non_trainable_variables

    def prepared_compilation(self, loss: Any, metrics: list[Any]) -> tuple[Any, list[Any]]:
        """Reads losses and metrics as of logits, and leaves padding out."""
        return token_loss("TextGenerator", loss), [None, token_metrics(metrics, "TextGenerator") or None]

    def examples(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> LanguageTexts:
        """Returns texts in memory, encoded."""
        self._refuse(y, class_weight)
        texts = text_list(x)
        rows = [np.asarray(row, np.int32) for row in self.vocabulary.encode_rows(texts)]
        return LanguageTexts(rows, weights_of(sample_weight, len(rows), "TextGenerator"))

    def encode_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, first: bool = False
    ) -> tuple:
        """Returns texts as rows that begin with `[START]`, each position with its next token; arrays as they are."""
        if not is_text(x):
            self._refuse(None, class_weight)
            return without_none(x, y, sample_weight)
        texts = self.examples(x, y, sample_weight, class_weight)
        time = padded_time([len(row) + 1 for row in texts.rows], first)
        whole = pad_rows([[START_ID, *row, END_ID] for row in texts.rows], time + 1, "post")
        weights = (whole[:, 1:] != PADDING_ID).astype(np.float32)
        if texts.weights is not None:
            weights *= texts.weights[:, np.newaxis]
        return whole[:, :-1], whole[:, 1:], weights

    def _refuse(self, y: Any, class_weight: Any) -> None:
        for name, value in (("y", y), ("class_weight", class_weight)):
            if value is not None:
                raise ValueError(
                    f"TextGenerator: texts are their own targets and have no labels; received {name}. Leave it out."
                )

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        *,
        length: int = LENGTH,
        step: int | None = None,
        seed: int | None = 0,
        forget: float = FORGET,
        checkpoint: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts; every position predicts its next token. Arguments stand in Keras's order.

        Args:
            x: a string, or texts in any column; a stream of batches (`tf.data`, `PyDataset`, a generator, a data
                loader) of texts, each of which then begins without state; or arrays, which Keras gets as they are.
                Texts in memory also teach a model of words how words are joined; see `detokenizer` of the class.
            y: only for arrays.
            batch_size: rows of a batch; `None`: 64.
            epochs: how often the texts are read.
            verbose: as in `keras.Model.fit`.
            callbacks: as in `keras.Model.fit`; their model is this one. `SampleText` shows how it writes.
            validation_split: the fraction of the texts, taken from the end, that is held out; of a single text, its
                end.
            validation_data: texts, and weights where there are, ``(texts, None, weights)``, read as streams after each
                epoch: `val_loss`, of the loss that is trained on. They win over `validation_split`.
            shuffle: whether the order changes in every epoch.
            class_weight: refused: texts have no classes.
            sample_weight: a weight for each text: what its tokens' losses are multiplied by. As in Keras, a loss is
                their sum divided by the number of tokens, not by that of the weights: 2 for all doubles it, but no
                metric.
            length: the tokens of a row, through which gradients flow.
            step: `None`: the texts, in a new order each epoch, are read as `batch_size` continuous streams, whose
                state is carried from batch to batch (truncated back-propagation through time). Else, windows of
                `length` tokens, each beginning `step` tokens after the one before, are shuffled, and begin without
                state.
            seed: of the order of texts and windows, at least 0; `None`: another one each time, from
                `keras.utils.set_random_seed` on always the same ones.
            forget: the fraction of the streams that begin a batch of training without state, beside those that begin
                a text there, so that the model also learns to begin: every text that is scored or written begins so.
                0: the state is always carried.
            checkpoint: a directory. After each epoch it holds all that is needed to go on: the same call, after the
                process was killed, continues there, and ends with the same weights. `None`: nothing is written.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`, `validation_batch_size` and
                `validation_freq`, as in `keras.Model.fit`.

        Returns:
            Keras's `History`: `loss` is the mean of the cross-entropy, in nats a token, where nothing else was
            compiled.

        Raises:
            TypeError: a text is not a string, or a number none.
            ValueError: there are no texts, or not one window, or labels are given with texts, or the directory holds
                another run.
        """
        if not 0 <= real_number("TextGenerator.fit: forget", forget) <= 1:
            raise ValueError(f"TextGenerator.fit: forget is 0 to 1; received {forget}.")
        check_sizes("TextGenerator", batch_size=batch_size, length=length, step=step)
        in_memory = None
        if is_text(x):
            in_memory = text_list(x)
            x = replace(self.examples(in_memory, y, sample_weight, class_weight), length=length, step=step)
            y = sample_weight = class_weight = None
        if isinstance(validation_data, tuple) and all(isinstance(each, str) for each in validation_data):
            validation_data = list(validation_data)  # texts, not texts and their labels
        if validation_data is not None:
            texts, labels, weights = validation_parts(validation_data, "TextGenerator")
            if is_text(texts):
                validation_data = replace(self.examples(texts, labels, weights), length=length)
        if self.detokenizer is None and in_memory is not None:
            self.detokenizer = learned_detokenizer(self.vocabulary, in_memory, "TextGenerator: texts")
        self._forget = forget
        return self.fit_texts(
            x,
            y,
            BATCH_SIZE if batch_size is None else batch_size,
            epochs,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            seed,
            checkpoint=checkpoint,
            verbose=verbose,
            **kwargs,
        )

    def training_network(
        self, batches: Any, checks: Any, seed: int, arguments: dict[str, Any]
    ) -> tuple[Any, list, Any]:
        """Returns what carries the states of streams, and what measures held-out texts."""
        streams = isinstance(batches, ContinuousBatches)
        network = StreamTraining(self, batches.streams, forget=self._forget, seed=seed) if streams else self
        held_out = isinstance(checks, ContinuousBatches)
        if not streams and not held_out:
            return network, [], checks
        every, steps = (
            arguments.pop(name, given) for name, given in (("validation_freq", 1), ("validation_steps", None))
        )
        fresh = FreshStreams(network if streams else None, checks if held_out else None, self, every, steps)
        return network, [fresh], None if held_out else checks

    def run_settings(self, data: Any) -> dict[str, Any]:
        """Returns what else a run depends on."""
        told = {"texts": data.digest(weighted=False), "sample_weight": data.digest_of_weights()}
        return {**told, "length": data.length, "step": data.step, "forget": self._forget}

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Measures how well texts are predicted, `[END]` included.

        Args:
            x: a string, or texts in any column; or anything else that `keras.Model.evaluate` takes.
            y: only for arrays.
            batch_size: texts that are read at once; `None`: 32.
            verbose: only for streams and arrays.
            sample_weight: only for arrays.
            **kwargs: only for streams and arrays.

        Returns:
            A dict: `loss`, nats a token; `perplexity`; `bits_per_character`, over the characters of the texts, where an
            unknown token also costs what it takes to spell it, so that models with other vocabularies can be compared;
            `unknown`, the fraction of tokens that are not in the vocabulary.

        Raises:
            ValueError: labels or weights are given with texts.
        """
        if x is not None and not is_text(x):
            return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)
        self._refuse(y, None)
        if sample_weight is not None:
            raise ValueError(
                "TextGenerator.evaluate: texts count by their tokens; received sample_weight. Leave it out."
            )
        check_sizes("TextGenerator", "evaluate", batch_size=batch_size)
        return self.scorer.evaluate(text_list(x), batch_size or BATCH_SIZE_TO_READ)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> Any:
        """Computes the logits of the token after each step: float32 (batch, time, vocab).

        Args:
            x: texts, each read from `[START]` on, padded to the longest; a stream of batches; or ids.
            batch_size: texts that are read at once; `None`: 32.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.
        """
        return super().predict(x, batch_size, verbose, **kwargs)

    def export_signature(self) -> Any:
        """Returns what the network itself takes."""
        return [keras.layers.InputSpec(shape=(None, None), dtype="int32", name="ids")]

    def log_prob(self, texts: Any, batch_size: int = BATCH_SIZE_TO_READ) -> np.ndarray:
        """Returns the natural logarithm of each text's probability, `[END]` included: float64 (batch,)."""
        check_sizes("TextGenerator", "log_prob", batch_size=batch_size)
        return self.scorer.log_prob(text_list(texts), batch_size)

    def perplexity(self, texts: Any, batch_size: int = BATCH_SIZE_TO_READ) -> float:
        """Returns the perplexity of texts: the exponential of the mean nats a token, `[END]` included."""
        return self.evaluate(texts, batch_size=batch_size)["perplexity"]

    def generate(
        self,
        prompts: Any = "",
        max_new_tokens: int | None = None,
        sampler: Any = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | None = 0,
        stop: Any = None,
        strip_prompt: bool = False,
        stream: bool = False,
        *,
        max_length: int | None = None,
        num_return_sequences: int = 1,
    ) -> list[str] | Iterator[Any]:
        """Writes on from prompts.

        Args:
            prompts: a string, or strings in any column; empty ones, and tokens that are not in the vocabulary, are
                read too.
            max_new_tokens: how many tokens are written at most; 0: none; `None`: 100.
            sampler: a `Sampler`, or its name; `None`: the one that the model was compiled with, else `RandomSampler`.
            temperature: what logits are divided by; 0: the most probable token always.
            top_k: only the most probable tokens; 0, or more than there are: all.
            top_p: only the most probable tokens that hold this probability; 1: all.
            seed: what random numbers begin with, 64 bits. The same seed gives the same texts, at any batch size, in
                Keras and in an exported file. `None`: another one each time, from `keras.utils.set_random_seed` on
                always the same ones.
            stop: a string, or a list of strings, where a text ends; it is left out.
            strip_prompt: whether the prompts are left out. Behind a prompt, subwords and words that a detokenizer
                joins bring the space between with them, so prompt and text can be put together as they are.
            stream: whether text is yielded as it is written.
            max_length: in place of `max_new_tokens`: how many tokens a text has at most, those of its prompt included.
            num_return_sequences: how many texts are written for each prompt; they follow each other.

        Returns:
            A list of texts, each beginning with its prompt, as it was given. With `stream`, an iterator: of strings
            for one text, of lists of strings for several; joined they are the texts.

        Raises:
            TypeError: a prompt is not a string, or the seed not an integer.
            ValueError: an argument is out of its range, the sampler cannot stream, or weights are not finite.
        """
        texts = prompt_list(prompts)
        sampler = samplers.get(self.default_sampler if sampler is None else sampler)
        check_count(num_return_sequences, sampler)
        texts = [text for text in texts for _ in range(num_return_sequences)]
        limits, max_new_tokens = length_limits(self.vocabulary, texts, max_new_tokens, max_length)
        seed = random.getrandbits(64) - 2**63 if seed is None else seed
        check_settings(max_new_tokens, temperature, top_k, top_p, seed)
        stops = stop_list(stop)
        self.check_finite()
        writer = self.writers.of(sampler)
        settings = {"temperature": temperature, "top_k": min(top_k, len(self.vocabulary)), "top_p": top_p, "seed": seed}
        continuations = [
            Continuation(self.vocabulary, text, limit, detokenizer=self.detokenizer)
            for text, limit in zip(texts, limits, strict=True)
        ]
        if stream:
            if not sampler.writes_each_step:
                raise ValueError(
                    f"TextGenerator.generate: {type(sampler).__name__} knows its text only at the end, and cannot "
                    "stream. Pass stream=False."
                )
            return stream_text(writer, continuations, max_new_tokens, settings, stops, strip_prompt)
        found = writer.write(continuations, max_new_tokens, settings, stops)
        return [each.text(stops, strip_prompt) for each in found]

    def quantize(self, mode: Any = None, config: Any = None, **kwargs: Any) -> None:
        """Quantizes the weights, as `keras.Model.quantize` does: the recurrent ones stay as they are."""
        super().quantize(mode, config=config, **kwargs)
        self.writers, self.scorer = Writers(self), Scorer(self)  # what was compiled knows the old weights

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what the model was compiled with, its sampler too, as plain data."""
        config = super().get_compile_config()
        if config is not None and self.default_sampler is not None:
            config["sampler"] = keras.saving.serialize_keras_object(self.default_sampler)
        return config

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
            "detokenizer": None if self.detokenizer is None else self.detokenizer.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "TextGenerator":
        """Returns the model that `get_config` described, its weights fresh."""
        config = dict(config)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        if config.get("detokenizer") is not None:  # configurations of before have none
            config["detokenizer"] = Detokenizer(**config["detokenizer"])
        for part in ("embedding", "dtype"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        return cls(**config)
