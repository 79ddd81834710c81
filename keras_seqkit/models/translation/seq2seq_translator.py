"""Sentences of one language into another."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.checked_arguments import check_sizes
from keras_seqkit.models.text_data import encoded_stream, is_stream, is_text
from keras_seqkit.models.translation.encoded_pairs import encoded_pairs, read_pairs, sides_of
from keras_seqkit.models.translation.translation_training import (
    BLEU_SENTENCES,
    HeldOutBleu,
    TranslationTraining,
    steps_of,
)
from keras_seqkit.models.translation.translation_writer import TranslationWriter
from keras_seqkit.models.word_joining import learned_detokenizer
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.columns import text_column
from keras_seqkit.text.detokenization import Detokenizer

FIT_BATCH_SIZE = 64
BATCH_SIZE = 32  # of what is only read


@keras.saving.register_keras_serializable(package="keras_seqkit")
class Seq2SeqTranslator(TranslationTraining):
    """An encoder that reads a sentence in both directions, and a decoder that writes it in another language.

    It takes strings wherever a Keras model takes arrays; see `fit`, `evaluate` and `translate`. Where it was not
    compiled, or only with an optimizer or metrics, the loss is cross-entropy with smoothed targets. Every loss and
    metric leaves padding out, and takes the output for the logits that it is:
    ``compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])`` does what it says.

    Args:
        source_vocabulary: the `Vocabulary` of the sentences that are read. ``level="subword"`` and ``lowercase=False``
            keep capital letters and every word.
        target_vocabulary: the `Vocabulary` of the sentences that are written.
        units: the width of each recurrent layer, of the encoder (in one direction) and of the decoder, first to last;
            an int makes one layer.
        cell: ``"lstm"``, ``"gru"`` or ``"simple_rnn"``.
        embedding: the size of both embeddings; or a layer for the source, such as a `GloveEmbedding`, and the
            target's is as wide; or a pair for source and target, of sizes and layers. A layer makes a vector of each id
            by itself.
        decoder: ``"attention"``: token by token, attending to the source at each step, with input feeding.
            ``"repeat_vector"``: the source's last output, repeated, is decoded in one pass.
        max_length: how many tokens a translation has at most, `[END]` included.
        attention: ``"luong"``, whose score is a bilinear product, or ``"bahdanau"``, whose score is a small network.
        dropout: the fraction of embeddings, of the encoder's layers' inputs and of the decoder's output that is dropped
            in training.
        tie_embeddings: whether the target's embedding, transposed, gives the logits too (Press and Wolf, 2017).
        detokenizer: how words are joined, where the target's vocabulary is of words: capital letters, and spaces beside
            punctuation. `None`: `fit` learns it from the targets; a model that was never fitted joins by spaces.
        **kwargs: as in `keras.Model`. With ``dtype="mixed_bfloat16"``, CPUs that have it train faster.

    Call:
        A dict: ``source`` integers (batch, time), ``target`` integers (batch, target time) that begin with `[START]`;
        0 where there is padding. Or texts under the same names.

    Returns:
        float32 (batch, target time, vocab): the logits of the token after each step of the target.

    Masking:
        Steps of the source with id 0 are masked, and must stand behind the sentence.

    Raises:
        ValueError: an argument is out of its range, or an embedding was made for other tokens.

    Example:
    >>> from keras_seqkit import Seq2SeqTranslator, Vocabulary
    >>> source, target = ["o gato", "o rato"], ["the cat", "the mouse"]
    >>> model = Seq2SeqTranslator(Vocabulary.from_texts(source), Vocabulary.from_texts(target), units=16, embedding=8)
    >>> _ = model.fit(source * 8, target * 8, epochs=1, verbose=0)
    >>> translations, scores = model.translate(["o gato", ""], num_beams=2, return_scores=True)
    >>> translations[1], scores.shape
    ('', (2,))

    Source:
        Sutskever et al. (2014), arXiv:1409.3215; Luong et al. (2015), arXiv:1508.04025; Bahdanau et al. (2014),
        arXiv:1409.0473.
    """

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
        super().__init__(
            source_vocabulary,
            target_vocabulary,
            units,
            cell,
            embedding,
            decoder,
            max_length,
            attention,
            dropout,
            tie_embeddings,
            detokenizer,
            **kwargs,
        )
        self.writer = TranslationWriter(self)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 10,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        *,
        label_smoothing: float | None = None,
        learning_rate: Any = None,
        monitor: str = "loss",
        patience: int | None = None,
        checkpoint: Any = None,
        seed: int | None = 0,
        **kwargs: Any,
    ) -> Any:
        """Trains on sentence pairs; arguments stand in Keras's order.

        Pairs without a token on a side, or whose target has `max_length` tokens or more, are left out; in a stream they
        weigh nothing.

        Args:
            x: the source sentences, in any column; a stream of batches (`tf.data`, `PyDataset`, a generator, a data
                loader) of sources with their targets; a dict of both, ``source`` and ``target``; or arrays of ids, as
                in a call.
            y: their translations; for arrays, the next tokens (batch, target time), which end with `[END]`.
            batch_size: pairs of a batch; `None`: 64. Those of about the same length stand together.
            epochs: how often the pairs are read: 10, where Keras has 1.
            verbose: as in `keras.Model.fit`.
            callbacks: as in `keras.Model.fit`; one alone will do.
            validation_split: the fraction of the pairs, taken from the end, that is held out.
            validation_data: held-out sources and targets, and weights where there are; or a stream. It wins over
                `validation_split`. Where anything is held out, it is measured after each epoch, and the weights of the
                best epoch are taken in the end.
            shuffle: whether pairs are put together anew in every epoch; `False`: they stay in their order.
            class_weight: refused: pairs have no classes.
            sample_weight: a weight for each pair: what its tokens' losses are multiplied by. As in Keras, a loss is
                their sum divided by the number of tokens, not by that of the weights: 2 for all doubles it, `nats` and
                other metrics not.
            label_smoothing: the part of each target that is spread over all tokens (Szegedy et al., 2016); `None`: 0.1.
                Refused where you compiled the model with a loss.
            learning_rate: a number or a Keras schedule; `None`: it rises over the first steps and falls to 0 along a
                cosine; of a stream whose length nobody knows, it stays at 0.002. Gradients are clipped. Refused where
                you compiled the model with an optimizer. A second call begins a schedule and an optimizer of its own.
            monitor: by what epochs are compared: ``"loss"``, of the held-out pairs without smoothing, or ``"bleu"``, of
                their first 300, which needs sacrebleu, and texts. Where you compiled the model without a metric
                ``nats``, ``"loss"`` is its own.
            patience: so many measured epochs in a row that are no better end the training; `None`: all are done.
            checkpoint: a directory. After each epoch it holds all that is needed to go on: the same call, after the
                process was killed, continues there, and ends with the same weights. A call with more epochs goes on
                too; the default schedule is then as long as all of them. `None`: nothing is written.
            seed: of the order of pairs, at least 0; `None`: another one each time, from `keras.utils.set_random_seed`
                on always the same ones.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`, `validation_batch_size` and
                `validation_freq`, as in `keras.Model.fit`.

        Returns:
            Keras's `History`: `loss`, smoothed; `nats`, cross-entropy a token; the same of held-out pairs with `val_`
            before their names.

        Raises:
            TypeError: a text is not a string, or a number none.
            ValueError: the lists differ in length, no pair is left, an argument does not fit the others, or the
                directory holds another run.
        """
        x, y = sides_of(x, y)
        if isinstance(validation_data, dict):
            validation_data = sides_of(validation_data, None)
        elif isinstance(validation_data, list) and len(validation_data) in (2, 3):
            validation_data = tuple(validation_data)
        monitored = self.monitored(monitor, patience, validation_data is not None or bool(validation_split))
        if not is_stream(x) and y is None:
            raise ValueError(f"{type(self).__name__}.fit: y is expected, the translations of x; received None.")
        if self.detokenizer is None and is_text(x):
            self.detokenizer = learned_detokenizer(self.target_vocabulary, y, f"{type(self).__name__}: targets")
        batch_size = FIT_BATCH_SIZE if batch_size is None else batch_size

        def prepare(data: Any, held_out: Any) -> list[Any]:
            steps = steps_of(data, batch_size, kwargs.get("steps_per_epoch"))
            done = kwargs.get("initial_epoch", 0)
            self.compile_to_fit(learning_rate, label_smoothing, None if steps is None else steps * (epochs - done))
            if monitor != "bleu":
                return []
            if not hasattr(held_out, "texts"):
                raise ValueError(
                    f"{type(self).__name__}.fit: monitor='bleu' translates the held-out sources, and received "
                    "a stream or arrays. Pass validation_data=(sources, targets), two lists of texts."
                )
            return [HeldOutBleu(lambda: self._bleu_of(held_out))]

        return self.fit_texts(
            x,
            y,
            batch_size,
            epochs,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            seed,
            checkpoint=checkpoint,
            monitored=monitored,
            prepare=prepare,
            verbose=verbose,
            **kwargs,
        )

    def _bleu_of(self, held_out: Any) -> float:
        from keras_seqkit.evaluation import translation_scores

        sources, targets = zip(*held_out.texts[:BLEU_SENTENCES], strict=True)
        scores: Any = translation_scores(self.translate(list(sources)), list(targets))
        return scores.bleu

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool | None = None,
        *,
        num_beams: int = 1,
        **kwargs: Any,
    ) -> Any:
        """Measures translations.

        Args:
            x: the source sentences, in any column or stream, as in `fit`; arrays are measured as Keras does.
            y: their translations.
            batch_size: sentences that are read at once; `None`: 32.
            verbose: only for arrays; texts are measured silently.
            sample_weight: a weight for each pair, as in `fit`; the perplexity is that of the weighted mean, and BLEU
                and chrF weigh all alike.
            steps: so many batches are measured; `None`: all.
            callbacks: only for arrays.
            return_dict: whether a dict is returned, or its values as a list; `None`: a dict for texts, and as in Keras
                for arrays.
            num_beams: as in `translate`.
            **kwargs: only for arrays.

        Returns:
            A dict: `loss`, nats a token of the given translations, `[END]` included, without the pairs that `fit`
            leaves out; `perplexity`; and of what is translated, all of it, `bleu` and `chrf`, 0 to 100, by sacrebleu.

        Raises:
            TypeError: a text is not a string.
            ValueError: the columns differ in length, no pair is left, or an argument is only for arrays.
        """
        owner = f"{type(self).__name__}.evaluate"
        check_sizes(type(self).__name__, "evaluate", batch_size=batch_size, steps=steps)
        size = batch_size or BATCH_SIZE
        if not kwargs.get("_use_cached_eval_dataset"):  # Keras's own call in `fit`
            x, y = sides_of(x, y)
            x, pairs = read_pairs(x, y, sample_weight, steps, size, owner)
            if pairs is not None:
                if callbacks is not None or kwargs:
                    given = ", ".join([*kwargs, *(["callbacks"] if callbacks is not None else [])])
                    raise ValueError(f"{owner}: {given} belong to arrays; received texts. Leave them out.")
                found = self._evaluate_texts(*pairs, size, num_beams)
                return list(found.values()) if return_dict is False else found
        more = {"steps": steps, "callbacks": callbacks, "return_dict": bool(return_dict), **kwargs}
        return super().evaluate(x, y, batch_size, verbose, sample_weight, **more)

    def _evaluate_texts(
        self, sources: list[str], targets: list[str], sample_weight: Any, batch_size: int, num_beams: int
    ) -> dict[str, float]:
        from keras_seqkit.evaluation import translation_scores

        loss, mean = self.writer.loss(encoded_pairs(self, sources, targets, sample_weight).batches(batch_size))
        written = self.translate(sources, num_beams=num_beams, batch_size=batch_size)
        scores: Any = translation_scores(written, targets)
        with np.errstate(over="ignore"):
            perplexity = float(np.exp(mean))
        return {"loss": loss, "perplexity": perplexity, "bleu": scores.bleu, "chrf": scores.chrf}

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", **kwargs: Any) -> Any:
        """Computes the logits of known translations: float32 (batch, target time, vocab).

        Args:
            x: ``{"source": ..., "target": ...}``, texts or ids; or a stream of such, or of pairs. To translate, call
                `translate`.
            batch_size: as in Keras.
            verbose: as in Keras.
            **kwargs: `steps` and `callbacks`, as in Keras.

        Raises:
            ValueError: there are sources, but no targets.
        """
        if is_stream(x):

            def encode(texts: Any, targets: Any, weights: Any, first: bool) -> tuple:
                return self.encode_batch(texts, targets, first=first)[:1]

            x, batch_size = encoded_stream(x, encode, batch_size or BATCH_SIZE, type(self).__name__), None
        else:
            x = self.encode_batch(x)[0]
        return keras.Model.predict(self, x, batch_size, verbose, **kwargs)

    def quantize(self, mode: Any = None, config: Any = None, **kwargs: Any) -> None:
        """Quantizes the weights, as `keras.Model.quantize` does: the recurrent ones stay as they are.

        Raises:
            ValueError: the embedding is tied.
        """
        if self.tie_embeddings:
            raise ValueError(
                f"{type(self).__name__}.quantize: the target's embedding is read as a matrix too, with tie_embeddings, "
                "and is not quantized. Quantize the exported file, or make the model with tie_embeddings=False."
            )
        super().quantize(mode, config=config, **kwargs)
        self.writer = TranslationWriter(self)  # what was compiled knows the old weights

    def translate(
        self,
        texts: Any,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        return_scores: bool = False,
        return_attention: bool = False,
        replace_unknown: bool = False,
        batch_size: int = 32,
        *,
        max_new_tokens: int | None = None,
        num_return_sequences: int | None = None,
    ) -> Any:
        """Translates sentences.

        Args:
            texts: a string, which is one sentence, or sentences in any column; an empty one is translated by an empty
                one.
            num_beams: how many translations of each sentence are kept at every step, 1,024 at most; 1 takes the most
                probable token always.
            length_penalty: beams are ranked by the sum of the logarithms of their tokens' probabilities, divided by
                ``length ** length_penalty``; above 0, longer ones are preferred.
            max_length: how many tokens a translation has at most; `None`: the model's.
            return_scores: whether the scores that beams are ranked by are returned too.
            return_attention: whether the attention is returned too.
            replace_unknown: whether an unknown word is replaced by the word of the source that got most attention.
            batch_size: sentences that are translated at once.
            max_new_tokens: another name of `max_length`.
            num_return_sequences: so many translations of each sentence, best first, `num_beams` at most; fewer where
                there are not so many. `None`: the best one, not in a list.

        Returns:
            A list of translations. With `return_scores`, float32 (batch,) after it; with `return_attention`, then a
            list of float32 arrays (target tokens, source tokens), `[END]` left out: each row sums to 1. With
            `num_return_sequences`, each of them has a list for each sentence instead.

        Raises:
            TypeError: a text is not a string.
            ValueError: an argument is out of its range, the decoder does not attend, or weights are not finite.
        """
        if max_new_tokens is not None:
            if max_length is not None:
                raise ValueError(
                    "Seq2SeqTranslator.translate: max_new_tokens is another name of max_length; received both."
                )
            max_length = max_new_tokens
        self.check_finite()
        return self.writer.translate(
            text_column(texts, "Seq2SeqTranslator.translate: texts"),
            num_beams,
            length_penalty,
            self.max_length if max_length is None else max_length,
            return_scores,
            return_attention,
            replace_unknown,
            batch_size,
            num_return_sequences,
        )

    def join(self, row: Sequence[int], copies: dict[int, str] | None = None) -> str:
        """Joins the tokens of a translation to a text.

        Args:
            row: ids.
            copies: for places in it, what is written there instead.
        """
        if self.detokenizer is not None:
            return self.detokenizer.join(row, copies)
        if not copies:
            return self.target_vocabulary.decode([list(row)])[0]
        tokens = self.target_vocabulary.tokens
        text = self.target_vocabulary.rules.joiner.join(
            copies.get(place, tokens[index]) for place, index in enumerate(row)
        )
        return text.removeprefix(" ") if self.target_vocabulary.rules.leading_space else text
