"""What a server needs: NumPy, onnxruntime and one file. Labels the texts that come in, one a line.

    python docs/demos/deployed.py demo-output/sentiment.onnx < texts.txt

All else is blocked, to show that it is not needed.
"""

import importlib.abc
import sys

BLOCKED = ("jax", "keras", "keras_seqkit.layers", "keras_seqkit.models", "onnx", "tensorflow", "tf2onnx", "torch")
SHOWN_CHARACTERS = 60


class Blocker(importlib.abc.MetaPathFinder):
    """Refuses to import what training needs."""

    def find_spec(self, fullname, path=None, target=None):
        """Raises for a blocked module, and leaves all others to the next finder."""
        if f"{fullname}.".startswith(tuple(f"{name}." for name in BLOCKED)):
            raise ImportError(f"{fullname} is blocked in this process")


def main() -> None:
    sys.meta_path.insert(0, Blocker())
    import numpy
    import onnxruntime
    import seqkit_onnx

    [path] = sys.argv[1:]
    texts = [line.rstrip("\n") for line in sys.stdin]
    texts[:1] = [text.removeprefix("\ufeff") for text in texts[:1]]  # a byte order mark
    labels, probabilities = seqkit_onnx.load(path).predict(texts)
    width = max(map(len, labels))
    for text, label, row in zip(texts, labels, probabilities, strict=True):
        print(f"{label:{width}} {row.max():6.1%}  {shortened(text)}")
    print(f"(numpy {numpy.__version__}, onnxruntime {onnxruntime.__version__}; blocked: {', '.join(BLOCKED)})")


def shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


if __name__ == "__main__":
    main()
