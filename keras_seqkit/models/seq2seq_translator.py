"""Sentences of one language into another."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seqkit.models.finite_weights import check_finite
from keras_seqkit.models.sentence_pair_batches import SentencePairBatches, encoded_pairs, sentence_list
from keras_seqkit.models.text_data import is_text
from keras_seqkit.models.translation_model import TranslationModel
from keras_seqkit.models.translation_training import TrainingSettings, train_on_pairs
from keras_seqkit.models.translation_writer import TranslationWriter
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.detokenization import Detokenizer


@keras.saving.register_keras_serializable(package="keras_seqkit")
class Seq2SeqTranslator(TranslationModel):
    """An encoder that reads a sentence in both directions, and a decoder that writes it in another language.

    It takes strings in `fit`, `evaluate` and `translate`.

    Args:
        source_vocabulary: the `Vocabulary` of the sentences that are read. ``level="subword"`` and ``lowercase=False``
            keep capital letters and every word.
        target_vocabulary: the `Vocabulary` of the sentences that are written.
        units: the width of each recurrent layer, of the encoder (in one direction) and of the decoder, first to last;
            an int makes one layer.
        cell: ``"lstm"``, ``"gru"`` or ``"simple_rnn"``.
        embedding: the size of both embeddings.
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
        0 where there is padding.

    Returns:
        float32 (batch, target time, vocab): the logits of the token after each step of the target.

    Masking:
        Steps of the source with id 0 are masked, and must stand behind the sentence.

    Raises:
        ValueError: an argument is out of its range.

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
        embedding: int = 128,
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
        epochs: int = 10,
        batch_size: int = 64,
        validation_data: Any = None,
        label_smoothing: float = 0.1,
        learning_rate: Any = None,
        monitor: str = "loss",
        patience: int | None = None,
        checkpoint: Any = None,
        callbacks: Sequence[Any] | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> Any:
        """Trains on sentence pairs.

        Pairs without a token on a side, or whose target has `max_length` tokens or more, are left out.

        Args:
            x: the source sentences, a list of strings; or anything else that `keras.Model.fit` takes, which it then
                gets as it is.
            y: their translations.
            epochs: how often the pairs are read.
            batch_size: pairs of a batch; those of about the same length stand together.
            validation_data: a pair of lists, held out: measured after each epoch. The weights of the best epoch are
                taken in the end.
            label_smoothing: the part of each target that is spread over all tokens (Szegedy et al., 2016).
            learning_rate: a number or a Keras schedule; `None`: it rises over the first steps and falls to 0 along a
                cosine. Gradients are clipped. It has no effect on a model that you compiled yourself, nor has
                `label_smoothing`. A second call begins a schedule and an optimizer of its own.
            monitor: by what epochs are compared: ``"loss"``, of the held-out pairs without smoothing, or ``"bleu"``, of
                their first 300, which needs sacrebleu. Where you compiled the model without a metric ``nats``,
                ``"loss"`` is its own.
            patience: so many epochs in a row that are no better end the training; `None`: all epochs are done.
            checkpoint: a directory. After each epoch it holds all that is needed to go on: the same call, after the
                process was killed, continues there, and ends with the same weights. `None`: nothing is written.
            callbacks: as in `keras.Model.fit`.
            seed: of the order of pairs.
            **kwargs: `verbose` and others of `keras.Model.fit`.

        Returns:
            Keras's `History`: `loss`, smoothed; `nats`, cross-entropy a token; the same of held-out pairs with `val_`
            before their names.

        Raises:
            TypeError: a text is not a string.
            ValueError: the lists differ in length, no pair is left, or the directory holds the run of another model.
        """
        if not is_text(x):
            return super().fit(
                x, y, batch_size, epochs, validation_data=validation_data, callbacks=list(callbacks or []), **kwargs
            )
        settings = TrainingSettings(
            epochs, batch_size, label_smoothing, learning_rate, monitor, patience, checkpoint, seed
        )
        if self.detokenizer is None and self.target_vocabulary.rules.level == "word":
            self.detokenizer = Detokenizer.from_texts(self.target_vocabulary, sentence_list(y))
        return train_on_pairs(self, (x, y), validation_data, settings, list(callbacks or []), kwargs)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int = 32, num_beams: int = 1, **kwargs: Any) -> Any:
        """Measures translations.

        Args:
            x: the source sentences, a list of strings; or anything else that `keras.Model.evaluate` takes.
            y: their translations.
            batch_size: sentences that are read at once.
            num_beams: as in `translate`.
            **kwargs: only for arrays.

        Returns:
            A dict: `loss`, nats a token of the given translations, `[END]` included, without the pairs that `fit`
            leaves out; `perplexity`; and of what is translated, all of it, `bleu` and `chrf`, 0 to 100, by sacrebleu.
        """
        if not is_text(x):
            return super().evaluate(x, y, batch_size=batch_size, **kwargs)
        from keras_seqkit.evaluation import translation_scores

        sources, targets = sentence_list(x), sentence_list(y)
        loss = self.writer.loss(SentencePairBatches(*encoded_pairs(self, sources, targets), batch_size))
        scores = translation_scores(self.translate(sources, num_beams=num_beams, batch_size=batch_size), targets)
        with np.errstate(over="ignore"):
            perplexity = float(np.exp(loss))
        return {"loss": loss, "perplexity": perplexity, "bleu": scores.bleu, "chrf": scores.chrf}

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
    ) -> Any:
        """Translates sentences.

        Args:
            texts: a string or a list of strings; an empty one is translated by an empty one.
            num_beams: how many translations of each sentence are kept at every step; 1 takes the most probable token
                always.
            length_penalty: beams are ranked by the sum of the logarithms of their tokens' probabilities, divided by
                ``length ** length_penalty``; above 0, longer ones are preferred.
            max_length: how many tokens a translation has at most; `None`: the model's.
            return_scores: whether the scores that beams are ranked by are returned too.
            return_attention: whether the attention is returned too.
            replace_unknown: whether an unknown word is replaced by the word of the source that got most attention.
            batch_size: sentences that are translated at once.

        Returns:
            A list of translations. With `return_scores`, float32 (batch,) after it; with `return_attention`, then a
            list of float32 arrays (target tokens, source tokens), `[END]` left out: each row sums to 1.

        Raises:
            TypeError: a text is not a string.
            ValueError: an argument is out of its range, the decoder does not attend, or weights are not finite.
        """
        self.check_finite()
        return self.writer.translate(
            sentence_list(texts, many=False),
            num_beams,
            length_penalty,
            self.max_length if max_length is None else max_length,
            return_scores,
            return_attention,
            replace_unknown,
            batch_size,
        )

    def check_finite(self) -> None:
        """Checks that each weight is a number.

        Raises:
            ValueError: one is not.
        """
        check_finite(self)

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
