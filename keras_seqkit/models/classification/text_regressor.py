"""Text in, numbers out."""

from typing import Any

import keras
import numpy as np

from keras_seqkit.models.classification.text_encoder_model import TextEncoderModel
from keras_seqkit.models.compiling import DefaultCompilation, name_of
from keras_seqkit.models.text_data import columns_of, ordered_column
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.limits import MAX_WIDTH, check_limit


@keras.saving.register_keras_serializable(package="keras_seqkit")
class TextRegressor(TextEncoderModel):
    """Predicts numbers from texts, such as stars or prices: `TextClassifier`'s network with a linear output.

    Where it was not compiled, or only with an optimizer, the loss is the mean squared error, and the metric the mean
    absolute error. All that `TextClassifier` takes as texts it takes too.

    Args:
        vocabulary: the `Vocabulary` that makes ids of texts.
        outputs: how many numbers are predicted for each text.
        embedding: as in `TextClassifier`.
        encoder: as in `TextClassifier`.
        conv: as in `TextClassifier`.
        dropout: as in `TextClassifier`.
        max_length: how many tokens of a text are read; `None`: all.
        **kwargs: as in `keras.Model`.

    Call:
        ids: integers (batch, time), 0 where there is padding, which stands on the right; or texts.

    Returns:
        float32 (batch, outputs).

    Masking:
        Steps with id 0 are masked. A text without any token gives what the biases say.

    Raises:
        TypeError: `vocabulary` is no `Vocabulary`, or `encoder` no layer.
        ValueError: `outputs` is below 1, or the embedding has too few rows, or those of other tokens.

    Example:
    >>> from keras_seqkit import BidirectionalStack, Vocabulary
    >>> from keras_seqkit.models import TextRegressor
    >>> texts, stars = ["good", "bad", "very good", "very bad"], [4, 2, 5, 1]
    >>> model = TextRegressor(Vocabulary.from_texts(texts), embedding=8, encoder=BidirectionalStack(4))
    >>> _ = model.fit(texts, stars, epochs=1, verbose=0)
    >>> model.predict(["good", "bad"], verbose=0).shape
    (2, 1)
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        outputs: int = 1,
        embedding: int | keras.layers.Layer = 64,
        encoder: keras.layers.Layer | None = None,
        conv: int | dict[str, Any] | keras.layers.Layer | None = None,
        dropout: float = 0.2,
        max_length: int | None = None,
        **kwargs: Any,
    ):
        if isinstance(outputs, bool) or not isinstance(outputs, int) or outputs < 1:
            raise ValueError(f"TextRegressor: outputs is a whole number of at least 1; received {outputs!r}.")
        check_limit("TextRegressor", "outputs", outputs, MAX_WIDTH)
        super().__init__(vocabulary, embedding, encoder, conv, dropout, max_length, **kwargs)
        self.outputs_count = outputs
        self.head = keras.layers.Dense(outputs, dtype="float32", name="value")
        self.build()

    def default_compilation(self) -> DefaultCompilation:
        """Returns Adam, the mean squared error, and the mean absolute error."""
        error = keras.metrics.MeanAbsoluteError("mean_absolute_error")
        return DefaultCompilation(self.default_optimizer(), "mean_squared_error", [error])

    def check_compilation(self, loss: Any, metrics: list[Any]) -> None:
        """Refuses losses of probabilities: the output is any number."""
        name = name_of(loss)
        if "crossentropy" in name and not getattr(loss, "from_logits", False):
            raise ValueError(
                f"TextRegressor.compile: loss {name!r} is of probabilities, and this model's output is any number. "
                "Pass 'mean_squared_error' or another loss of numbers, or make a TextClassifier."
            )

    def targets(self, y: Any) -> np.ndarray:
        """Returns numbers with a row for each text: float32 (batch, outputs).

        Raises:
            TypeError: they have no order.
            ValueError: one is missing or no number, or there are more or fewer for a text.
        """
        columns = columns_of(y)
        values = ordered_column(y, "TextRegressor: y") if columns is None else [column for _, column in columns]
        try:
            numbers = np.asarray(values, np.float32)
            numbers = numbers if columns is None else numbers.T  # (batch, outputs)
        except (TypeError, ValueError) as error:
            raise ValueError(f"TextRegressor: y holds what is no number: {error}.") from error
        if numbers.ndim == 1 and self.outputs_count == 1:
            numbers = numbers[:, np.newaxis]
        if numbers.ndim != 2 or numbers.shape[1] != self.outputs_count:
            raise ValueError(
                f"TextRegressor: y is (batch, {self.outputs_count}); received shape {tuple(numbers.shape)}."
            )
        wrong = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
        if len(wrong):
            raise ValueError(
                f"TextRegressor: number {wrong[0]} is missing or not finite; received {numbers[wrong[0]].tolist()}. "
                "Leave such rows out."
            )
        return numbers

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "outputs": self.outputs_count}
