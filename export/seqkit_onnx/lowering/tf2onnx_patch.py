"""The one thing in which tf2onnx is not taken as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer


@contextmanager
def transposes_stay_transposes() -> Iterator[None]:
    """Keeps tf2onnx 1.17 from replacing a Transpose by a Reshape where an axis is 1.

    It does so by shapes that it wrote down before it had moved other Transposes, so that a model with one fixed step
    answered with a wrong shape: (batch, batch, units) for (batch, 1, units). A Transpose of such an axis costs little.
    """
    with patch.object(TransposeOptimizer, "post_optimize_action", lambda _: None):
        yield
