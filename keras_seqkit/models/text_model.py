"""What all text models share: strings wherever Keras takes arrays, a loss of their own, Keras's order of arguments."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import keras
import numpy as np

from keras_seqkit.models.checked_arguments import (
    callback_list,
    check_arrays,
    check_fit,
    check_sizes,
    checked_seed,
    rows_as_array,
    shown,
)
from keras_seqkit.models.compiling import (
    AUTO,
    DefaultCompilation,
    build_optimizer,
    check_callbacks,
    check_compiled,
    check_names,
    is_auto,
)
from keras_seqkit.models.finite_weights import check_finite
from keras_seqkit.models.text_batches import EndlessBatches
from keras_seqkit.models.text_data import encoded_stream, is_stream, is_text, unpacked
from keras_seqkit.models.traced_ahead import TracedAhead
from keras_seqkit.models.training_progress import Monitored, TrainingProgress, run_fingerprint

BATCH_SIZE = 32
HDF5 = (".h5", ".hdf5")


@runtime_checkable
class Examples(Protocol):
    """Texts in memory, encoded, with what belongs to them."""

    def split(self, fraction: float) -> tuple[Any, Any]:
        """Returns what is trained on, and the last `fraction`, which is held out."""
        ...

    def batches(self, batch_size: int, shuffle: bool = False, seed: int = 0, epoch: int = 0) -> Any:
        """Returns a `PyDataset`; each epoch's order is a function of the seed and the epoch."""
        ...

    def digest(self) -> str:
        """Returns what tells other texts from these."""
        ...


class TextModel(TracedAhead):
    """The base of all models of this package: a `keras.Model` that takes strings.

    `fit`, `evaluate`, `predict`, the ``*_on_batch`` methods and calls take texts in any column (a list, a tuple,
    NumPy, pandas, polars, pyarrow, Hugging Face datasets, a string tensor), and `tf.data` datasets, `PyDataset`,
    generators and data loaders of texts; integers go to Keras as they are. ``compile()``, ``compile(optimizer)`` and
    ``compile(optimizer, metrics=...)`` keep the model's own loss, and its own metrics where none are given.

    A subclass says what it is compiled with by default, how texts in memory become `Examples`, and how one batch of a
    stream is encoded.
    """

    def default_compilation(self) -> DefaultCompilation:
        """Returns new objects to compile the model with."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it is compiled with.")

    def examples(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Any:
        """Returns texts in memory as `Examples`."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its examples are.")

    def encode_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, first: bool = False
    ) -> tuple:
        """Returns one batch as Keras takes it: inputs, and targets and weights where there are.

        Args:
            x: texts (batch,), or arrays.
            y: what belongs to them.
            sample_weight: float (batch,).
            class_weight: as in `fit`.
            first: whether the time is to be one that no other batch has; see `encoded_stream`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how a batch is encoded.")

    def export_signature(self) -> Any:
        """Returns the `keras.InputSpec` of what the network itself takes."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its network takes.")

    def check_compilation(self, loss: Any, metrics: list[Any]) -> None:
        """Checks that a loss and metrics fit the model's output.

        Raises:
            ValueError: one does not.
        """

    def check_input(self, x: Any, name: str = "x") -> None:
        """Checks that what is neither texts nor a stream is made of arrays.

        Raises:
            TypeError: it is not.
        """
        check_arrays(type(self).__name__, name, x)

    def check_targets(self, x: Any, y: Any) -> None:
        """Checks that something belongs to what is trained on or measured.

        Args:
            x: texts or arrays.
            y: what belongs to them.

        Raises:
            ValueError: there is nothing.
        """
        if y is None and not is_text(x) and not isinstance(x, dict):
            raise ValueError(
                f"{type(self).__name__}: y is expected with arrays; received y=None. Pass what the network is to give "
                "for each row, or texts in place of arrays."
            )

    def check_stream(self, class_weight: Any = None) -> None:
        """Checks that what the model needs to know before it trains is not first to be found in the data.

        Raises:
            ValueError: it is.
        """

    # Compiling

    def compile(
        self,
        optimizer: Any = AUTO,
        loss: Any = AUTO,
        loss_weights: Any = None,
        metrics: Any = AUTO,
        weighted_metrics: Any = AUTO,
        **kwargs: Any,
    ) -> None:
        """Compiles as `keras.Model.compile` does; what is left out, or `None`, is the model's own.

        Args:
            optimizer: as in Keras; ``"auto"``: the model's own.
            loss: as in Keras; ``"auto"``: the model's own.
            loss_weights: as in Keras.
            metrics: as in Keras; ``"auto"``: the model's own if the loss is, else none.
            weighted_metrics: as `metrics`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` and `auto_scale_loss`, as in Keras.

        Raises:
            ValueError: the loss or a metric does not fit the model's output.
        """
        check_compiled(type(self).__name__, optimizer, loss, metrics, weighted_metrics, kwargs)
        own = self.default_compilation()
        own_loss = loss is None or is_auto(loss)
        own_metrics = own_loss and all(each is None or is_auto(each) for each in (metrics, weighted_metrics))
        if own_metrics:
            metrics, weighted_metrics = own.metrics, own.weighted_metrics
        given = [None if is_auto(each) else each for each in (metrics, weighted_metrics)]
        optimizer = own.optimizer if optimizer is None or is_auto(optimizer) else optimizer
        loss = self.own_loss(given) if own_loss else loss
        flat = [metric for each in given for metric in keras.tree.flatten(each) if metric is not None]
        check_names(type(self).__name__, optimizer, loss, flat)
        self.check_compilation(loss, flat)
        loss, given = self.prepared_compilation(loss, given)
        super().compile(optimizer, loss, loss_weights, given[0], given[1], **kwargs)

    def own_loss(self, metrics: list[Any]) -> Any:
        """Returns the model's own loss beside the given metrics and weighted metrics."""
        return self.default_compilation().loss

    def prepared_compilation(self, loss: Any, metrics: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the loss, and metrics and weighted metrics, as the model needs them."""
        return loss, metrics

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a saved model was; Keras calls this."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            build_optimizer(self)

    def compile_by_default(self) -> None:
        """Compiles the model with what is its own, if nobody compiled it."""
        if not self.compiled:
            self.compile()

    # Training and measuring

    def fit_texts(
        self,
        x: Any,
        y: Any,
        batch_size: int | None,
        epochs: int,
        callbacks: Any,
        validation_split: float,
        validation_data: Any,
        shuffle: bool,
        class_weight: Any,
        sample_weight: Any,
        seed: int | None,
        patience: int | None = None,
        checkpoint: Any = None,
        monitored: Monitored | None = None,
        prepare: Callable[[Any, Any], list[Any]] | None = None,
        **arguments: Any,
    ) -> Any:
        """Does what `fit` of the subclass promises; its arguments are those of `keras.Model.fit`.

        Beside them: `monitored` is what epochs are compared by (`None`: ``val_loss``, if there is a patience), and
        `prepare` compiles the model, and returns callbacks that measure; it is called with what is trained on and what
        is held out. `None`: the model is compiled by default.
        """
        owner = type(self).__name__
        check_fit(owner, epochs, batch_size, callbacks, validation_split, checkpoint, arguments)
        seed = checked_seed(f"{owner}.fit", seed, checkpoint)
        batch_size = BATCH_SIZE if batch_size is None else batch_size
        validation_size = arguments.pop("validation_batch_size", None) or batch_size
        data, checks = self._data(x, y, sample_weight, class_weight, batch_size), None
        if validation_data is not None:
            parts = validation_parts(validation_data, owner)
            checks = self._data(*parts, None, validation_size, "validation_data")
        elif validation_split:
            data, checks = self._split(data, validation_split)
        measuring: list[Any] = []
        if prepare is None:
            self.compile_by_default()
        else:
            measuring = prepare(data, checks)
        if monitored is None and patience is not None:
            monitored = Monitored(("val_loss",), patience=patience)
        first_epoch = arguments.pop("initial_epoch", 0)
        x, y, weights = self._fitted(data, batch_size, shuffle, seed, first_epoch)
        batches = checks.batches(validation_size) if isinstance(checks, Examples) else checks
        network, own_callbacks, batches = self.training_network(x, batches, seed, arguments)
        check_callbacks(owner, callback_list(callbacks), self.optimizer)
        build_optimizer(network)
        progress = TrainingProgress(network, self, monitored, checkpoint, first_epoch=first_epoch)
        if checkpoint is not None:
            settings = {"batch_size": batch_size, "seed": seed, "shuffle": shuffle, "initial_epoch": first_epoch}
            settings["steps_per_epoch"] = arguments.get("steps_per_epoch")
            progress.fingerprint = self._fingerprint(data, checks, monitored=monitored, **settings)
        done = progress.restore()
        if progress.records and (done >= epochs or progress.finished):
            progress.on_train_end()
            self.history = progress.history()
            return self.history
        if done > first_epoch:
            x, _, _ = self._fitted(data, batch_size, shuffle, seed, done)
        steps = arguments.get("steps_per_epoch")
        if steps is not None and isinstance(data, Examples):
            x = EndlessBatches(lambda number: data.batches(batch_size, shuffle, seed, number), steps * done)
        remembered = [progress] if checkpoint is not None or monitored is not None else []
        history = _fit(
            network,
            self,
            x,
            y,
            sample_weight=weights,
            batch_size=batch_size if isinstance(data, Arrays) else None,
            shuffle=shuffle if isinstance(data, Arrays) else False,
            initial_epoch=done,
            epochs=epochs,
            callbacks=[*own_callbacks, *callback_list(callbacks), *measuring, *remembered],
            validation_data=batches,
            **arguments,
        )
        if done > first_epoch:
            self.history = history = progress.history()
        return history

    def training_network(
        self, batches: Any, checks: Any, seed: int, arguments: dict[str, Any]
    ) -> tuple[Any, list, Any]:
        """Returns the model whose steps are run in training, callbacks of its own, and what Keras is to measure.

        Args:
            batches: what is trained on.
            checks: what is held out, or `None`.
            seed: as in `fit`.
            arguments: those of Keras that `fit` was given.
        """
        return self, [], checks

    def _fingerprint(self, data: Any, checks: Any, **settings: Any) -> dict[str, Any]:
        if not isinstance(data, Examples):
            raise ValueError(  # noqa: TRY004 - the same for streams and arrays
                f"{type(self).__name__}.fit: checkpoint needs the texts themselves, to go on where it was; received a "
                "stream or arrays. Pass lists of texts, or leave checkpoint out."
            )
        held_out = checks.digest() if isinstance(checks, Examples) else None
        return self.run_fingerprint(data.digest(), held_out=held_out, **settings, **self.run_settings(data))

    def run_settings(self, data: Any) -> dict[str, Any]:
        """Returns what else a run depends on: plain data, by name."""
        return {}

    def run_fingerprint(self, digest: str, **settings: Any) -> dict[str, Any]:
        """Returns what tells another run of `fit` from this one; see `run_fingerprint` of the progress."""
        return run_fingerprint(self, digest, **settings)

    def _fitted(self, data: Any, batch_size: int, shuffle: bool, seed: int, epoch: int = 0) -> tuple[Any, Any, Any]:
        if isinstance(data, Arrays):
            return tuple(data)
        if isinstance(data, Examples):
            return data.batches(batch_size, shuffle, seed, epoch), None, None
        return data, None, None

    def _data(self, x: Any, y: Any, sample_weight: Any, class_weight: Any, batch_size: int, name: str = "x") -> Any:
        """Returns `Examples`, an encoded stream, or `Arrays`."""
        if isinstance(x, Examples):
            return x
        if is_stream(x):
            for name, value in (("y", y), ("sample_weight", sample_weight)):
                if value is not None:
                    raise ValueError(
                        f"{type(self).__name__}: {name} belongs into the batches of x, which is a "
                        f"{type(x).__name__}; received both."
                    )

            self.check_stream(class_weight)

            def encode(texts: Any, targets: Any, weights: Any, first: bool) -> tuple:
                self.check_targets(texts, targets)
                return self.encode_batch(texts, targets, weights, class_weight, first)

            return encoded_stream(x, encode, batch_size, type(self).__name__)
        if is_text(x):
            return self.examples(x, y, sample_weight, class_weight)
        self.check_input(x, name)
        self.check_targets(x, y)
        encoded = self.encode_batch(x, y, sample_weight, class_weight)
        return Arrays(*encoded, *(None,) * (3 - len(encoded)))

    def _split(self, data: Any, fraction: float) -> tuple[Any, Any]:
        owner = type(self).__name__
        if isinstance(data, Examples):
            return data.split(fraction)
        if not isinstance(data, Arrays):
            raise ValueError(  # noqa: TRY004 - Keras raises the same
                f"{owner}.fit: validation_split needs all texts at hand; received a stream. Pass validation_data."
            )
        count = len(keras.tree.flatten(data.x)[0])
        kept = count - int(count * fraction)
        given = [part for part in data if part is not None]
        cut, held_out = (
            [keras.tree.map_structure(lambda values, part=part: values[part], each) for each in given]
            for part in (slice(kept), slice(kept, None))
        )
        return Arrays(*cut), tuple(held_out)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Measures the loss and the metrics, as `keras.Model.evaluate` does.

        Args:
            x: texts, a stream of batches, or arrays; see the class.
            y: as in `fit`.
            batch_size: texts in a batch; `None`: 32.
            verbose: as in Keras.
            sample_weight: a weight for each text.
            **kwargs: `steps`, `callbacks` and `return_dict`, as in Keras.
        """
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call in `fit`: all is encoded
            return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)
        check_sizes(type(self).__name__, "evaluate", batch_size=batch_size, steps=kwargs.get("steps"))
        self.compile_by_default()
        data = self._data(x, y, sample_weight, None, batch_size or BATCH_SIZE)
        x, y, sample_weight = self._fitted(data, batch_size or BATCH_SIZE, False, 0)
        size = batch_size if isinstance(data, Arrays) else None
        return super().evaluate(x, y, size, verbose, sample_weight, **kwargs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> Any:
        """Computes the network's output for texts, a stream of batches, or arrays, as `keras.Model.predict` does.

        Args:
            x: see the class.
            batch_size: texts in a batch; `None`: 32.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.
        """
        check_sizes(type(self).__name__, "predict", batch_size=batch_size, steps=kwargs.get("steps"))
        if is_stream(x):

            def encode(texts: Any, targets: Any, weights: Any, first: bool) -> tuple:
                return self.encode_batch(texts, first=first)[:1]

            x, batch_size = encoded_stream(x, encode, batch_size or BATCH_SIZE, type(self).__name__), None
        elif is_text(x):
            x = self.encode_batch(x)[0]
        else:
            self.check_input(x)
            x = rows_as_array(type(self).__name__, x)
        return super().predict(x, batch_size, verbose, **kwargs)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Trains one step on a batch of texts or arrays, as `keras.Model.train_on_batch` does."""
        self.compile_by_default()
        self._check_batch(x, y)
        batch = self.encode_batch(x, y, sample_weight, class_weight)
        return super().train_on_batch(*batch, return_dict=return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Measures a batch of texts or arrays, as `keras.Model.test_on_batch` does."""
        self.compile_by_default()
        self._check_batch(x, y)
        return super().test_on_batch(*self.encode_batch(x, y, sample_weight), return_dict=return_dict)

    def _check_batch(self, x: Any, y: Any) -> None:
        if not is_text(x):
            self.check_input(x)
        self.check_targets(x, y)

    def predict_on_batch(self, x: Any) -> Any:
        """Computes the network's output for a batch of texts or arrays."""
        if is_text(x):
            return super().predict_on_batch(self.encode_batch(x)[0])
        self.check_input(x)
        return super().predict_on_batch(rows_as_array(type(self).__name__, x))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the network: on texts or on what it takes itself."""
        if args and is_symbolic_text(args[0]):
            raise TypeError(
                f"{type(self).__name__}: texts are encoded in Python, not in a graph; received a symbolic tensor of "
                "strings. Call the model outside of tf.function, or pass ids: model.vocabulary.encode(texts)."
            )
        if args and not isinstance(args[0], keras.KerasTensor) and args[0] is not None:
            if is_text(args[0]):
                args = (self.encode_batch(args[0])[0], *args[1:])
            else:
                self.check_input(args[0])
                args = (rows_as_array(type(self).__name__, args[0]), *args[1:])
        return super().__call__(*args, **kwargs)

    # Saving

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Saves the model, its vocabulary, weights and optimizer, as `keras.Model.save` does.

        Args:
            filepath: a path that ends in ``.keras``.
            overwrite: as in Keras.
            zipped: as in Keras.
            **kwargs: as in Keras.

        Raises:
            ValueError: the file would be HDF5, which Keras cannot load again.
        """
        if str(filepath).endswith(HDF5):
            raise ValueError(
                f"{type(self).__name__}.save: the path ends in .keras; received {os.fspath(filepath)!r}. Keras does "
                "not load such a model from HDF5. Its weights alone can be: save_weights('model.weights.h5')."
            )
        super().save(filepath, overwrite, zipped, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",  # noqa: A002 - Keras's name
        verbose: Any = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Exports the network as Keras does, from ids to its output; a file from text to text comes from seqkit_onnx.

        Args:
            filepath: where it is written.
            format: as in Keras, but for ``"onnx"``.
            verbose: as in Keras.
            input_signature: as in Keras; `None`: batches and times of any size.
            **kwargs: as in Keras.

        Raises:
            ValueError: the format is ``"onnx"``.
        """
        if format == "onnx":
            raise ValueError(
                f"{type(self).__name__}.export: for ONNX use seqkit_onnx.export(model, {os.fspath(filepath)!r}), whose "
                "file takes text."
            )
        signature = self.export_signature() if input_signature is None else input_signature
        super().export(filepath, format, verbose, signature, **kwargs)

    def check_finite(self) -> None:
        """Checks that each weight is a number.

        Raises:
            ValueError: one is not.
        """
        check_finite(self)


class Arrays(NamedTuple):
    """What Keras takes as it is."""

    x: Any
    y: Any = None
    sample_weight: Any = None


def _fit(network: Any, owner: Any, x: Any, y: Any, callbacks: list[Any], **arguments: Any) -> Any:
    """Runs Keras's training loop on a network, with callbacks that see the model it belongs to."""
    if network is owner:
        return keras.Model.fit(network, x, y, callbacks=callbacks, **arguments)
    verbose = arguments.get("verbose", "auto")
    found = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose not in (0, "0"),
        model=owner,
        epochs=arguments["epochs"],
        verbose=1 if verbose == "auto" else verbose,
        steps=arguments.get("steps_per_epoch") or len(x),
    )
    owner.stop_training = False
    return keras.Model.fit(network, x, y, callbacks=found, **arguments)


def build_layer(layer: keras.layers.Layer, shape: tuple) -> None:
    """Builds a layer that has no weights yet, so that `summary` shows its shapes for any batch and time."""
    if not layer.built or not layer.weights:
        layer.build(shape)


def validation_parts(validation_data: Any, owner: str) -> tuple[Any, Any, Any]:
    """Returns texts, what belongs to them, and weights.

    Raises:
        ValueError: there are more than three.
    """
    if isinstance(validation_data, list) and len(validation_data) in (2, 3) and not is_text(validation_data):
        validation_data = tuple(validation_data)
    if isinstance(validation_data, tuple) and len(validation_data) > 3:
        raise ValueError(
            f"{owner}.fit: validation_data is (x, y) or (x, y, sample_weight); received {len(validation_data)} parts."
        )
    return unpacked(validation_data)


def weights_of(sample_weight: Any, count: int, owner: str) -> np.ndarray | None:
    """Returns a weight for each of `count` texts: float32 (count,).

    Raises:
        ValueError: there is another number of them, or one is no number.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, np.float32).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{owner}: sample_weight is a column of numbers, one for each text; received {shown(sample_weight)}."
        ) from error
    if len(weights) != count:
        raise ValueError(
            f"{owner}: sample_weight has a weight for each text; received {len(weights)} weights and {count} texts."
        )
    if not np.isfinite(weights).all():
        place = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise ValueError(f"{owner}: sample_weight {place} is {weights[place]}; a finite number is expected.")
    return weights


def joined_weights(sample_weight: np.ndarray | None, class_weight: np.ndarray | None) -> np.ndarray | None:
    """Returns the product of two weights for each example, either of which may be missing."""
    if sample_weight is None or class_weight is None:
        return class_weight if sample_weight is None else sample_weight
    return sample_weight * class_weight


def is_symbolic_text(x: Any) -> bool:
    """Whether `x` is a tensor of strings in a graph, whose texts nobody knows yet."""
    dtype = getattr(x, "dtype", None)
    return getattr(dtype, "name", dtype) == "string" and not hasattr(x, "numpy")
