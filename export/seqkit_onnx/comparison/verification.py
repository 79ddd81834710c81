"""How far a file is from its Keras model, and how far it may be."""

from typing import NamedTuple

from seqkit_onnx.passes.cuda_placement import KeptOnCpu

TOLERANCE = 1e-5  # float32 sums taken in another order differ by about 1e-7 a step, and probabilities are at most 1
# float16 has 11 bits and int8 weights have 8; rounded weights moved probabilities of networks of real size by up to
# 5e-4 and 2e-2, and outputs are taken to be about 1. Products of int8 round what they are given as well.
TOLERANCES = {None: TOLERANCE, "float16": 5e-3, "int8": 5e-2, "int8_dynamic": 5e-2}


class VerificationError(ValueError):
    """A file and its Keras model do not give the same answers."""


class _Measured(NamedTuple):
    largest_difference: float
    label_agreement: float
    count: int


class Verification(_Measured):
    """How far a file is from its Keras model: a tuple of three, and what a GPU would not run.

    Attributes:
        largest_difference: between any two numbers, divided by the largest one of that output where that is above 1;
            for a translator, between two scores, divided by the score where that is above 1; 0.0 for a generator.
        label_agreement: the fraction of rows with the same label, or with the same text where the model writes; 1.0
            where it does neither. A row of which two classes are as probable, within `TOLERANCE`, may have either.
        count: how many rows were compared.
        kept_on_cpu: the nodes that onnxruntime's CUDA provider would leave on the CPU, with a reason each.
        tolerance: the largest difference that is taken for rounding in float32.
        texts: whether texts were compared, and not numbers.
        different: what Keras writes and what the file writes, where that is not the same, for each such text.
    """

    kept_on_cpu: tuple[KeptOnCpu, ...] = ()
    tolerance: float = TOLERANCE
    texts: bool = False
    different: tuple[tuple[str, str], ...] = ()


def check(found: Verification, precision: str | None = None) -> None:
    """Sees to it that a file and its Keras model agree.

    Args:
        found: what was measured.
        precision: ``"float16"``, ``"int8"`` or ``"int8_dynamic"`` for a file that was asked to be less exact.

    Raises:
        VerificationError: they differ by more than `TOLERANCES` allow, or write other texts.
    """
    if found.different:
        ours, theirs = found.different[0]
        raise VerificationError(
            f"export: Keras writes {ours!r}, and the file {theirs!r}; {len(found.different)} of {found.count} texts "
            "are not the same. Nothing was written. Where both are equally probable, pass verify=False."
        )
    tolerance = TOLERANCES[precision] if precision else found.tolerance
    if not found.largest_difference <= tolerance or (found.label_agreement < 1 and not precision):
        raise VerificationError(
            f"export: on {found.count} samples the file and Keras differ by {found.largest_difference:.2g}, and at "
            f"most {tolerance:g} is expected; {found.label_agreement:.0%} of the labels agree. Nothing was written. "
            "The samples were made up: if the model is meant for other inputs, pass verify=False and compare with "
            "seqkit_onnx.verify(model, path, inputs) on your own."
        )
