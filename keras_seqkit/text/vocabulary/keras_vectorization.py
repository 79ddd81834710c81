"""How Keras's own `TextVectorization` splits text, in the terms of a `Vocabulary`."""

from typing import Any

_LEVELS = {"whitespace": "whitespace", "character": "char"}
_STANDARDIZERS = (None, "lower", "strip_punctuation", "lower_and_strip_punctuation")


def rules_of_vectorization(layer: Any) -> dict[str, Any]:
    """Returns the arguments of a `Vocabulary` that splits text as `layer` does.

    Raises:
        TypeError: `layer` is no `TextVectorization`.
        ValueError: the layer standardizes or splits by a function of its own, or makes n-grams.
    """
    config = layer.get_config() if hasattr(layer, "get_config") else {}
    if not {"standardize", "split", "ngrams"} <= set(config):
        raise TypeError(f"Vocabulary.from_keras: a TextVectorization is expected; received {type(layer).__name__}.")
    standardize, split, ngrams = config["standardize"], config["split"], config["ngrams"]
    if callable(split) or split not in _LEVELS or standardize not in _STANDARDIZERS or ngrams:
        received = f"split={split!r}, standardize={standardize!r}, ngrams={ngrams!r}"
        raise ValueError(
            "Vocabulary.from_keras: a layer with split='whitespace' or 'character', standardize one of "
            f"{_STANDARDIZERS} and ngrams=None is expected; received {received}. Build the vocabulary with "
            "Vocabulary.from_texts instead."
        )
    if config.get("output_mode", "int") != "int" or config.get("ragged"):
        raise ValueError(
            "Vocabulary.from_keras: a layer with output_mode='int' and ragged=False is expected; received output_mode="
            f"{config.get('output_mode')!r}, ragged={config.get('ragged')!r}. What it gives are no padded ids."
        )
    how = standardize or ""
    return {
        "level": _LEVELS[split],
        "lowercase": "ascii" if how.startswith("lower") else False,
        "strip_punctuation": how.endswith("strip_punctuation"),
    }
