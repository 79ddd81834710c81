"""What cannot be exported, and what Keras says of what it cannot do."""

import re

import tensorflow as tf

# What Keras and TensorFlow raise where a model does not take inputs of some shape.
REFUSED_INPUTS = (ValueError, TypeError, IndexError, NotImplementedError, tf.errors.OpError)
# And where Keras cannot build a model from its configuration: code that it holds may read names that are not there.
CANNOT_REBUILD = (*REFUSED_INPUTS, LookupError, AttributeError, NameError, RuntimeError)


class UnsupportedLayerError(ValueError):
    """A layer cannot be exported; the message names it and says what to do."""


def said(error: Exception) -> str:
    """Returns what an error says, in one line, without what Keras puts around it."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    text = text.rpartition("Exception encountered: ")[2]  # behind the whole configuration
    text = re.sub(r"^Exception encountered when calling [^\n]*\n+", "", text)
    return " ".join(text.partition("\n\nArguments received by")[0].split())
