"""An exported translator: sentences in, translations out."""

import math
from typing import Any

import numpy as np

from keras_seqkit.text.limits import MAX_BEAMS, MAX_STEPS
from keras_seqkit.text.ngram_arguments import real_number
from seqkit_onnx.runtime.network import Network
from seqkit_onnx.runtime.texts import text_array


class Translator(Network):
    """An exported `Seq2SeqTranslator`.

    Example::

        translator = seqkit_onnx.load("portuguese_english.onnx")
        [translation] = translator.translate(["Abra o arquivo."], num_beams=4)
    """

    def translate(
        self,
        texts: Any,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        return_scores: bool = False,
        batch_size: int = 32,
    ) -> Any:
        """Translates sentences: the same translations as `Seq2SeqTranslator.translate` with the same arguments.

        Args:
            texts: one string, which is one sentence; or a list of strings, or a column of them, as for
                `Classifier.predict`; an empty one is translated by an empty one.
            num_beams: how many translations of each sentence are kept at every step, 1,024 at most; 1 takes the most
                probable token always.
            length_penalty: beams are ranked by the sum of the logarithms of their tokens' probabilities, divided by
                ``length ** length_penalty``.
            max_length: how many tokens a translation has at most; `None`: the model's own.
            return_scores: whether the scores that beams are ranked by are returned too.
            batch_size: sentences that are translated at once, those of about the same length together.

        Returns:
            A list of translations. With `return_scores`, a pair: the list, and float32 (batch,).

        Raises:
            TypeError: a text is missing or not a string.
            ValueError: an argument is out of its range, or the file takes ids.
        """
        if self.input_names != ["text"]:
            raise ValueError("translate: this file takes ids. Call translate_ids, or export with text=True.")
        array = text_array(texts, "translate: texts")
        settings = self._settings(num_beams, length_penalty, max_length)
        _check_integer("batch_size", batch_size)
        translations = np.empty(len(array), object)
        scores = np.zeros(len(array), np.float32)
        order = np.argsort([len(text) for text in array], kind="stable")
        for start in range(0, len(array), batch_size):
            part = order[start : start + batch_size]
            translations[part], scores[part] = self._run(["translation", "score"], {"text": array[part], **settings})
        found = translations.tolist()
        return (found, scores) if return_scores else found

    def translate_ids(
        self, ids: Any, num_beams: int = 1, length_penalty: float = 1.0, max_length: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Translates ids, where the file was exported with ``text=False``.

        Args:
            ids: integers (batch, time), 0 behind each sentence.
            num_beams: see `translate`, as for the others.
            length_penalty: ...
            max_length: ...

        Returns:
            int32 (batch, target time): the tokens of each translation, `[END]` (3) included, padding (0) behind it; and
            float32 (batch,), the scores.

        Raises:
            ValueError: an argument is out of its range, or the file takes text.
        """
        if self.input_names != ["ids"]:
            raise ValueError("translate_ids: this file takes text. Call translate, or export with text=False.")
        settings = self._settings(num_beams, length_penalty, max_length)
        tokens, scores = self._run(["translation_ids", "score"], {"ids": self._cast("ids", ids), **settings})
        return tokens, scores

    def _about(self) -> list[str]:
        decoder = self.metadata.get("decoder")  # files of before do not say it
        length = f"at most {self.metadata['max_length']} tokens"
        return [f"{decoder} decoder", length] if decoder else [length]

    def _settings(self, num_beams: int, length_penalty: float, max_length: int | None) -> dict[str, np.ndarray]:
        values: dict[str, Any] = {"num_beams": num_beams, "length_penalty": length_penalty}
        if max_length is not None:
            values["max_length"] = max_length
            _check_integer("max_length", max_length, MAX_STEPS)
        _check_integer("num_beams", num_beams, MAX_BEAMS)
        if not math.isfinite(real_number("translate: length_penalty", length_penalty)):
            raise ValueError(f"translate: length_penalty is finite; received {length_penalty!r}.")
        return {name: np.asarray(value, self._optional[name]) for name, value in values.items()}


def _check_integer(name: str, value: Any, limit: int | None = None) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"translate: {name} is an integer; received {value!r}.")
    if value < 1:
        raise ValueError(f"translate: {name} is at least 1; received {value!r}.")
    if limit is not None and value > limit:
        raise ValueError(f"translate: {name} is {limit:,} at most; received {value:,}. Each more takes memory.")
