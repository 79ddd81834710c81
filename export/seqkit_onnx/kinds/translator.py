"""The file of a `Seq2SeqTranslator`: a sentence in, a translation and its score out."""

import json
from typing import Any

import onnx

from keras_seqkit.models import Seq2SeqTranslator
from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import END_ID, PADDING_ID
from seqkit_onnx.comparison.texts import compare_texts
from seqkit_onnx.comparison.verification import Verification
from seqkit_onnx.decoding.translator_graph import translator_model
from seqkit_onnx.kinds.file_kind import exports
from seqkit_onnx.kinds.writer import WriterFile

SEARCHES: tuple[dict[str, Any], ...] = ({"num_beams": 1}, {"num_beams": 3, "length_penalty": 0.6})


@exports(Seq2SeqTranslator)
class TranslatorFile(WriterFile):
    """A file that translates, greedily or by beam search."""

    name = "translator"

    @property
    def own_vocabulary(self) -> Vocabulary:
        """See `FileKind`."""
        return self.model.source_vocabulary

    def graph(self) -> onnx.ModelProto:
        """See `WriterFile`."""
        return translator_model(self.model, self.options.text)

    def about(self) -> dict[str, str]:
        """See `WriterFile`."""
        return {
            "target_vocabulary_digest": self.model.target_vocabulary.digest,
            "decoder": self.model.decoder_kind,
            "max_length": json.dumps(self.model.max_length),
        }

    def compare(self, file: Any, inputs: Any) -> Verification:
        """Compares translations and scores, greedy ones and those of three beams.

        Equal scores excuse no other text: a wrong joining has them too.
        """
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        found = [self._compare(file, texts, search) for search in SEARCHES]
        different = tuple(pair for each in found for pair in each.different)
        count = sum(each.count for each in found)
        whole = Verification(
            max(each.largest_difference for each in found), 1.0 - len(different) / max(1, count), count
        )
        whole.texts, whole.different = True, different
        return whole

    def _compare(self, file: Any, texts: list[str], search: dict[str, Any]) -> Verification:
        if self.options.text:
            expected, scores = self.model.translate(texts, return_scores=True, **search)
            received, own_scores = file.translate(texts, return_scores=True, **search)
            return compare_texts(expected, received, scores, own_scores)
        rows = self.own_vocabulary.encode_rows(texts)
        found = self.model.writer.search(
            rows, search["num_beams"], search.get("length_penalty", 1.0), self.model.max_length, len(rows)
        )
        ids, own_scores = file.translate_ids(self.own_vocabulary.encode(texts), **search)
        received = [str([token for token in row if token not in (PADDING_ID, END_ID)]) for row in ids.tolist()]
        expected = [str(list(beams[0])) for beams in found.rows]
        return compare_texts(expected, received, [beams[0] for beams in found.scores], own_scores)
