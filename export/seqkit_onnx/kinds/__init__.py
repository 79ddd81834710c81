"""The kinds of exported files: one module each, which registers what it makes of which models."""

from seqkit_onnx.kinds import generator, network, stream, text_encoder, translator, word_vectors
from seqkit_onnx.kinds.file_kind import FileKind, Options, exports, kind_for, kinds_of, refuse

__all__ = [
    "FileKind",
    "Options",
    "exports",
    "generator",
    "kind_for",
    "kinds_of",
    "network",
    "refuse",
    "stream",
    "text_encoder",
    "translator",
    "word_vectors",
]
