"""Small translators with random weights, shared by the suites of translators and of their exports."""

from typing import Any

import keras

from keras_seqkit import Seq2SeqTranslator, Vocabulary
from keras_seqkit.text.detokenization import Detokenizer
from tests.cases import randomize_weights

SOURCES = ["O gato viu o rato, e o rato fugiu.", "A casa é azul!", "(Onde está o mar?)"]
TARGETS = ["The cat saw the mouse, and the mouse ran.", "Ann's house is blue!", "(Where is the sea?)"]
SENTENCES = ["o gato", "", "a casa é azul zz", "zz", "o rato fugiu . o rato", "mar " * 30]
# Each decoder, cell, score and depth at least once.
VARIANTS: dict[str, dict[str, Any]] = {
    "lstm": {"cell": "lstm"},
    "bahdanau_gru": {"cell": "gru", "attention": "bahdanau", "units": (9, 7)},
    "tied_rnn": {"cell": "simple_rnn", "tie_embeddings": True, "units": (8, 7)},
    "repeat_vector": {"decoder": "repeat_vector", "cell": "lstm", "units": (8, 7)},
    "repeat_vector_gru": {"decoder": "repeat_vector", "cell": "gru"},
}


def translator(seed: int = 0, scale: float = 0.6, detokenizes: bool = True, **arguments: Any) -> Seq2SeqTranslator:
    """Makes a translator whose weights, biases too, are drawn with a standard deviation of `scale`."""
    keras.utils.set_random_seed(seed)
    arguments = {"units": 8, "embedding": 6, "max_length": 9, "name": "translator", **arguments}
    source, target = Vocabulary.from_texts(SOURCES), Vocabulary.from_texts(TARGETS)
    detokenizer = Detokenizer.from_texts(target, TARGETS) if detokenizes else None
    model = Seq2SeqTranslator(source, target, detokenizer=detokenizer, **arguments)
    randomize_weights(model, seed)
    return model
