"""What `SkipGram` and `CBOW` share: training on texts, and asking for similar words."""

from dataclasses import replace
from typing import Any

import keras

from keras_seqkit.models.checked_arguments import check_fit, check_learning_rate, check_sizes, checked_seed
from keras_seqkit.models.text_data import is_stream
from keras_seqkit.models.text_model import validation_parts
from keras_seqkit.models.word_vectors.read_streams import stream_texts
from keras_seqkit.models.word_vectors.word_pair_model import WordPairModel, is_pair
from keras_seqkit.models.word_vectors.word_questions import WordQuestions
from keras_seqkit.models.word_vectors.word_texts import WordTexts
from keras_seqkit.text.columns import text_column

BATCH_SIZE = 8192


class WordVectorModel(WordQuestions, WordPairModel):
    """Learns word vectors by negative sampling; see `SkipGram` and `CBOW`, which say what predicts what."""

    def examples(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> WordTexts:
        """Returns texts, encoded; a stream of them is read into memory."""
        return self._texts(type(self).__name__, "x", x, None, y, sample_weight, class_weight)

    def _texts(
        self,
        owner: str,
        name: str,
        x: Any,
        steps: int | None,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
    ) -> WordTexts:
        for argument, value, advice in (
            ("y", y, "texts predict their own words and have no labels"),
            ("class_weight", class_weight, "texts predict their own words and have no classes"),
            ("sample_weight", sample_weight, "a text weighs as much as the number of times that it stands in texts"),
        ):
            if value is not None:
                raise ValueError(f"{owner}: {advice}; received {argument}. Leave it out.")
        name = f"{owner}: {name}"
        texts = stream_texts(x, steps, name) if is_stream(x) else text_column(x, name)
        rows = self.vocabulary.encode_rows(texts)
        return WordTexts(
            owner, rows, len(self.vocabulary), self._whole_context, self.window, self.negatives, self.subsample
        )

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 5,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        *,
        texts: Any = None,
        learning_rate: Any = None,
        seed: int | None = 0,
        checkpoint: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Trains on texts; a second call goes on from the first. Arguments stand in Keras's order.

        Where the model was not compiled, it is: Adam, learning rate 0.01. To choose another optimizer call
        ``compile(optimizer)`` before, without a loss. The ids of the texts and the examples of one epoch are held in
        memory, about 100 bytes a word.

        Args:
            x: texts in any column; or a stream of batches of them (`tf.data`, `PyDataset`, a generator, a data loader),
                which is read into memory once, to its end or for `steps_per_epoch` batches: all words are counted
                before the first is learned.
            y: refused: texts have no labels.
            batch_size: examples in a batch at most; `None`: 8192.
            epochs: how often the texts are gone through.
            verbose: as in `keras.Model.fit`.
            callbacks: as in `keras.Model.fit`; one alone will do.
            validation_split: the fraction of the texts, taken from the end, that is held out; not used where there are
                `validation_data`.
            validation_data: texts, as `x`, whose pairs are predicted after each epoch, the same ones each time:
                `val_loss`. Frequent words are left out, and negatives drawn, as often as the counts of `x` say.
            shuffle: whether the order of the examples is drawn in every epoch; else it is that of the texts.
            class_weight: refused: texts have no classes.
            sample_weight: refused: repeat a text that is to count more.
            texts: another name of `x`.
            learning_rate: of the optimizer, a number or a Keras schedule; `None`: as it is.
            seed: of all that is drawn. The same seed gives the same vectors: the tables always start alike. `None`:
                another one each time, from `keras.utils.set_random_seed` on always the same ones.
            checkpoint: a directory. After each epoch it holds all that is needed to go on: the same call, after the
                process was killed, continues there, and ends with the same weights. `None`: nothing is written.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`, `validation_batch_size` and
                `validation_freq`, as in `keras.Model.fit`. Of texts in memory the steps count batches of examples, of
                a stream its own batches.

        Returns:
            Keras's `History`.

        Raises:
            TypeError: a text is not a string.
            ValueError: there are no texts, or no text has two words of the vocabulary, or subsampling leaves none, or
                a stream has no end, or the directory holds another run.
        """
        owner = f"{type(self).__name__}.fit"
        if isinstance(y, int) and not isinstance(y, bool):
            raise ValueError(  # noqa: TRY004 - labels are a ValueError too
                f"{owner}: the order of arguments is Keras's, fit(x, y, batch_size, epochs); received y={y}. For "
                f"epochs pass epochs={y}."
            )
        if x is not None and texts is not None:
            raise ValueError(f"{owner}: texts is another name of x; received both. Pass one.")
        if self.word_vectors.quantization_mode is not None:
            raise ValueError(
                f"{owner}: the vectors are quantized, {self.word_vectors.quantization_mode!r}, and train no more. "
                "Train first, and quantize a copy: keras.models.clone_model(model) with the model's weights."
            )
        x = texts if x is None else x
        check_fit(type(self).__name__, epochs, batch_size, callbacks, validation_split, checkpoint, kwargs)
        if learning_rate is not None:
            check_learning_rate(owner, learning_rate)
        seed = checked_seed(owner, seed, checkpoint)
        steps = kwargs.pop("steps_per_epoch", None) if is_stream(x) else None
        data = replace(self._texts(owner, "x", x, steps, y, sample_weight, class_weight), seed=seed)
        if validation_data is not None:
            validation_data = self._held_out(validation_data, kwargs).beside(data)
        return self.fit_texts(
            data,
            None,
            BATCH_SIZE if batch_size is None else batch_size,
            epochs,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            None,
            None,
            seed,
            checkpoint=checkpoint,
            verbose=verbose,
            learning_rate=learning_rate,
            **kwargs,
        )

    def _held_out(self, validation_data: Any, arguments: dict[str, Any]) -> WordTexts:
        owner = type(self).__name__
        others: list[Any] = []
        if isinstance(validation_data, tuple) and not all(isinstance(each, (str, bytes)) for each in validation_data):
            validation_data, *others = validation_parts(validation_data, owner)
        steps = arguments.pop("validation_steps", None) if is_stream(validation_data) else None
        return self._texts(f"{owner}.fit", "validation_data", validation_data, steps, *others)

    def training_network(
        self, batches: Any, checks: Any, seed: int, arguments: dict[str, Any]
    ) -> tuple[Any, list, Any]:
        """Returns the model itself, with the learning rate that `fit` was given."""
        learning_rate = arguments.pop("learning_rate")
        if learning_rate is not None:
            optimizer: Any = getattr(self.optimizer, "inner_optimizer", self.optimizer)  # of one that scales the loss
            schedules = isinstance(optimizer.get_config()["learning_rate"], dict)
            if schedules and not isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
                raise ValueError(
                    f"{type(self).__name__}.fit: the optimizer has a schedule of learning rates; received "
                    f"learning_rate={learning_rate!r}. Pass one of them."
                )
            optimizer.learning_rate = learning_rate
        return self, [], checks

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Measures how well the words of texts predict each other: the loss of negative sampling, and the metrics.

        Args:
            x: texts, or a stream of them, as in `fit`; words are left out, and negatives drawn, as often as their own
                counts say, the same ones each time. Or arrays ``(words, candidates)``.
            y: only for arrays: the signs of candidates; see `compute_loss`.
            batch_size: examples in a batch; `None`: 8192.
            verbose: as in Keras.
            sample_weight: refused.
            **kwargs: `steps` (of a stream its own batches), `callbacks` and `return_dict`, as in Keras.

        Raises:
            TypeError: a text is not a string.
            ValueError: as in `fit`.
        """
        if not kwargs.get("_use_cached_eval_dataset") and not is_pair(x):
            check_sizes(type(self).__name__, "evaluate", batch_size=batch_size, steps=kwargs.get("steps"))
            steps = kwargs.pop("steps", None) if is_stream(x) else None
            x = self._texts(f"{type(self).__name__}.evaluate", "x", x, steps, y, sample_weight)
            y = sample_weight = None
        return super().evaluate(
            x, y, BATCH_SIZE if batch_size is None else batch_size, verbose, sample_weight, **kwargs
        )
