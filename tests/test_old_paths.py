"""Public names can be imported from where they stood in earlier versions."""

import importlib

import pytest

import keras_seqkit

OLD_PATHS = {
    "CBOW": "keras_seqkit.models.cbow",
    "KerasVocabulary": "keras_seqkit.text.keras_vocabulary",
    "NGramModel": "keras_seqkit.text.ngram_model",
    "SKLearnTextClassifier": "keras_seqkit.models.sklearn_text_classifier",
    "SampleText": "keras_seqkit.models.sample_text",
    "Seq2SeqTranslator": "keras_seqkit.models.seq2seq_translator",
    "SkipGram": "keras_seqkit.models.skip_gram",
    "TextClassifier": "keras_seqkit.models.text_classifier",
    "TextGenerator": "keras_seqkit.models.text_generator",
    "TextRegressor": "keras_seqkit.models.text_regressor",
    "Vocabulary": "keras_seqkit.text.vocabulary",
    "filter_pairs": "keras_seqkit.text.sentence_pairs",
    "sliding_windows": "keras_seqkit.text.windows",
    "CellOperator": "seqkit_onnx.lowering.operators",
    "lowers": "seqkit_onnx.lowering.operators",
    "onnx_activation": "seqkit_onnx.lowering.activations",
    "export": "seqkit_onnx.exporter",
    "load": "seqkit_onnx.runtime.loading",
    "verify": "seqkit_onnx.verification",
}


@pytest.mark.parametrize("name", OLD_PATHS)
def test_a_name_is_found_where_it_was(name):
    value = getattr(importlib.import_module(OLD_PATHS[name]), name)
    home = importlib.import_module(value.__module__)
    assert getattr(home, name) is value
    if name in keras_seqkit.__all__:
        assert getattr(keras_seqkit, name) is value


def test_an_old_path_is_an_attribute_too():
    import keras_seqkit.models.text_classifier

    assert keras_seqkit.models.text_classifier.TextClassifier is keras_seqkit.TextClassifier
