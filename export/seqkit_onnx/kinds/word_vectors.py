"""Word vectors, of which no file is made: they have no answer to a text, and are a layer of a model that has one."""

from keras_seqkit.models.word_vectors.word_vector_model import WordVectorModel
from seqkit_onnx.kinds.file_kind import refuse

refuse(
    WordVectorModel,
    "scores pairs of words, and has no answer to a text. Export its vectors as an embedding: "
    "keras.Sequential([keras.Input((None,), dtype='int32'), GloveEmbedding(model.vocabulary, model)]), with "
    "vocabulary=model.vocabulary for a file that takes text.",
)
