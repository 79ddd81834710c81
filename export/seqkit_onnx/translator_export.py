"""Exports a `Seq2SeqTranslator`."""

import json
import os
from typing import Any

from keras_seqkit.models import Seq2SeqTranslator
from keras_seqkit.text.files import write_atomically
from seqkit_onnx.graphs.no_rows import answer_no_rows
from seqkit_onnx.metadata import declare_operator_sets, open_checked, serialize, write_metadata
from seqkit_onnx.translator_graph import translator_model
from seqkit_onnx.verification import VerificationError, sample_texts

# Sums of logarithms in another order. Equal scores excuse no other text: a wrong joining has them too.
SCORE_TOLERANCE = 1e-5
SEARCHES: tuple[dict[str, Any], ...] = ({"num_beams": 1}, {"num_beams": 3, "length_penalty": 0.6})


def export_translator(
    translator: Seq2SeqTranslator, path: str | os.PathLike, text: bool, verify: bool, others: dict[str, Any]
) -> None:
    """Writes a `Seq2SeqTranslator` as one file; see `seqkit_onnx.export`.

    Raises:
        ValueError: an argument does not belong to translators, or a weight is not finite.
        VerificationError: the file and Keras write different translations.
    """
    given = sorted(name for name, value in others.items() if value is not None)
    if given:
        raise ValueError(f"export: {', '.join(given)} do not belong to a Seq2SeqTranslator. Leave them out.")
    translator.check_finite()
    proto = translator_model(translator, text)
    answer_no_rows(proto.graph)
    declare_operator_sets(proto)
    about = {
        "target_vocabulary_digest": translator.target_vocabulary.digest,
        "decoder": translator.decoder_kind,
        "max_length": json.dumps(translator.max_length),
        "takes_text": json.dumps(text),
    }
    write_metadata(proto, translator, None, translator.source_vocabulary, [], about, "translator")
    file = open_checked(proto, translator)
    if verify:
        _check(translator, file, text)
    write_atomically(path, serialize(proto))


def _check(translator: Seq2SeqTranslator, file: Any, text: bool) -> None:
    texts = sample_texts(translator.source_vocabulary)
    rows = translator.source_vocabulary.encode_rows(texts)
    for search in SEARCHES:
        if text:
            expected, scores = translator.translate(texts, return_scores=True, **search)
            received, own_scores = file.translate(texts, return_scores=True, **search)
        else:
            found = translator.writer.search(
                rows, search["num_beams"], search.get("length_penalty", 1.0), translator.max_length, len(rows)
            )
            expected = [beams[0] for beams in found.rows]
            scores = [beams[0] for beams in found.scores]
            ids, own_scores = file.translate_ids(translator.source_vocabulary.encode(texts), **search)
            received = [[token for token in row if token not in (0, 3)] for row in ids.tolist()]
        for ours, theirs, score, own in zip(expected, received, scores, own_scores, strict=True):
            if abs(score - own) > SCORE_TOLERANCE * max(1.0, abs(score)):
                raise VerificationError(f"export: Keras scores {ours!r} {score}, and the file {theirs!r} {own}.")
            if ours != theirs:
                raise VerificationError(
                    f"export: Keras translates {ours!r} (score {score}), and the file {theirs!r} ({own}). Where both "
                    "are equally good, pass verify=False."
                )
