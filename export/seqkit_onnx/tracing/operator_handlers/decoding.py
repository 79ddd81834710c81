"""Greedy decoding of what a CTC network says."""

from onnx import TensorProto

from seqkit_onnx.tracing.operator_handlers.node_writer import NodeWriter, written_by

COUNT = TensorProto.INT64


def _ctc_greedy_decoder(write: NodeWriter) -> list[str]:
    """The best class of each step, without blanks, and where it is asked for without repetitions.

    Returns:
        The places of what is left, (found, 2), the classes themselves, the shape of all, how unlikely each row is.
    """
    scores, lengths = write.inputs  # (time, batch, classes), (batch,)
    shape = write.shape_of(scores)
    blank = write.attribute("blank_index", -1)
    if blank < 0:
        if shape is None or shape[2] < 0:
            raise write.refusal("the number of its classes is not known")
        blank += shape[2]
    best = write("Transpose", write("ArgMax", scores, axis=2, keepdims=0), perm=[1, 0])  # (batch, time)
    time = write("Squeeze", write.size(scores, 0))
    steps = write("Range", write.constant(0, COUNT), time, write.constant(1, COUNT))
    real = write("Less", steps, write.unsqueeze(write.cast(lengths, COUNT), 1))  # (batch, time)
    kept = write("And", real, write("Not", write("Equal", best, write.constant(blank, COUNT))))
    if write.attribute("merge_repeated", 0):
        before = write("Pad", best, write.integers(0, 1, 0, 0), write.constant(-1, COUNT))
        before = write.part(before, 0, -1, axis=1)
        kept = write("And", kept, write("Not", write("Equal", best, before)))
    counted = write.cast(kept, COUNT)
    places = write("Sub", write("CumSum", counted, write.constant(1, COUNT)), write.constant(1, COUNT))
    found = write("Transpose", write("NonZero", kept), perm=[1, 0])  # (found, 2), row by row
    rows = write.part(found, 0, 1, axis=1)
    indices = write.joined(rows, write.unsqueeze(write("GatherND", places, found), 1), axis=1)
    longest = write("ReduceMax", write.joined(write.total(counted, 1), write.integers(0)), keepdims=1)
    highest = write("ReduceMax", scores, axes=[2], keepdims=0)  # (time, batch)
    highest = write("Where", write("Transpose", real, perm=[1, 0]), highest, write.like(highest, 0))
    unlikely = write("Neg", write.unsqueeze(write.total(highest, 0), 1))  # (batch, 1)
    return [indices, write("GatherND", best, found), write.joined(write.size(scores, 1), longest), unlikely]


HANDLERS = {"CTCGreedyDecoder": written_by(_ctc_greedy_decoder)}
