"""The loop around a step that writes one token of each beam, as ONNX."""

from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from seqkit_onnx.graphs.generation_loop import described_as
from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.joining import GraphJoiner, invariant_nodes
from seqkit_onnx.lowering.step_passes import carry_expanded, remove_unread

INDEX = "index"
DONE = "done"


def add_translation_loop(
    builder: GraphBuilder,
    joiner: GraphJoiner,
    step: GraphProto,
    prefix: str,
    begin: dict[str, str],
    fixed: dict[str, str],
    trips: str,
) -> dict[str, str]:
    """Adds a `Loop` that writes tokens until each beam has ended.

    Args:
        builder: where nodes go.
        joiner: where the step's weights go.
        step: what is repeated, a graph of its own whose inputs are what is carried, what is fixed, and `index`; the
            output that carries `x` on is ``x_output``. It is used up.
        prefix: what names of the loop's own begin with in the file.
        begin: for all that is carried, its value before the first step.
        fixed: for each other input but `index`, its value.
        trips: how many tokens are written at most, int64 ().

    Returns:
        For all that is carried, its value after the last step.
    """
    carried = sorted(begin)
    axis = builder.constant([0], name=f"{prefix}_state_axis")
    for state in carry_expanded(step, [name for name in carried if "/" in name]):
        begin = {**begin, state: builder.node("Unsqueeze", [begin[state], axis], f"{prefix}/begin/{state}")}
    described: dict[str, ValueInfoProto] = {value.name: value for value in (*step.input, *step.output)}
    count, goes_on, index = (f"{prefix}/{name}" for name in ("count", "goes_on", INDEX))
    names = joiner.join(step, f"{prefix}/step", {**fixed, INDEX: index})
    inner = GraphBuilder(builder.outer, prefix)
    all_done = inner.node("ReduceMin", [names[f"{DONE}_output"]], "all_done", keepdims=0)  # of bool: false where one is
    more = inner.node("Not", [all_done], "more")
    body = helper.make_graph(
        [
            helper.make_node("Cast", [count], [index], name=index, to=TensorProto.INT32),
            *step.node,
            *inner.nodes,
        ],
        f"{prefix}/body",
        [
            helper.make_tensor_value_info(count, TensorProto.INT64, []),
            helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
            *(described_as(described[name], names[name]) for name in carried),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            *(described_as(described[f"{name}_output"], names[f"{name}_output"]) for name in carried),
        ],
    )
    builder.nodes.extend(invariant_nodes(body))
    remove_unread(body)
    ends = [f"{prefix}/end/{name}" for name in carried]
    done_before = builder.node("ReduceMin", [begin[DONE]], f"{prefix}_done_before", keepdims=0)
    begins = builder.node("Not", [done_before], f"{prefix}_begins")
    inputs = [trips, begins, *(begin[name] for name in carried)]
    builder.nodes.append(helper.make_node("Loop", inputs, ends, name=f"{prefix}/tokens", body=body))
    return dict(zip(carried, ends, strict=True))
