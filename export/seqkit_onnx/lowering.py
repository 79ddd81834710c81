"""The home of `lowers` in earlier versions; it is `seqkit_onnx.cells` now."""

from keras_seqkit._old_paths import keep_old_paths

__path__: list[str] = []
keep_old_paths(__name__, {"activations": "seqkit_onnx.cells.activations", "operators": "seqkit_onnx.cells.operators"})
