"""Replaces the placeholders of text and lookup layers by the operators of a stock onnxruntime."""

from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from seqkit_onnx.cells.recurrence import PLACEHOLDER_DOMAIN
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.text.text_to_ids import ML_DOMAIN, fit_length, standardize, tokenize
from seqkit_onnx.tracing.text_lookup import LOOKUP_TYPE, LookupTable, TextLookup

_NO_TOKEN = ""  # by which the Tokenizer fills up rows
_BETWEEN = " "  # the words of an n-gram


def expand_text_lookups(model: ModelProto, lookups: dict[bytes, TextLookup], min_length: int = 0) -> tuple[str, ...]:
    """Replaces each placeholder of a lookup.

    Args:
        model: the model; changed in place.
        lookups: what each placeholder stands for, by its token.
        min_length: how many steps ids have at least, where their number is not fixed.

    Returns:
        The names of the ids whose padding is known to be on the right.
    """
    padded: list[str] = []
    _expand_graph(model.graph, model.graph, lookups, min_length, padded)
    return tuple(padded)


def _expand_graph(
    graph: GraphProto, main: GraphProto, lookups: dict[bytes, TextLookup], min_length: int, padded: list[str]
) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.domain == PLACEHOLDER_DOMAIN and node.op_type == LOOKUP_TYPE:
            asked = lookups[node.attribute[0].s]
            builder = GraphBuilder(main, asked.name)
            _add_lookup(builder, asked, node.input[0], min_length)
            builder.nodes[-1].output[0] = node.output[0]
            nodes.extend(builder.nodes)
            padded += [node.output[0]] if asked.pads else []
            continue
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _expand_graph(attribute.g, main, lookups, min_length, padded)
        nodes.append(node)
    kept = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)


def _add_lookup(builder: GraphBuilder, asked: TextLookup, x: str, min_length: int) -> None:
    """Adds one lookup, whose last node gives what is found."""
    if asked.splits and asked.rules is not None:
        x = standardize(builder, asked.rules, x)  # (texts,)
        x = tokenize(builder, x, asked.rules.pattern, "tokens")  # (texts, tokens)
    elif asked.rules is not None and asked.rules.replacements:
        shape = builder.node("Shape", [x], "shape_of_texts")
        x = standardize(builder, asked.rules, builder.reshape(x, -1))
        x = builder.node("Reshape", [x, shape], "standardized")
    if asked.ngrams:
        x = _join_neighbours(builder, asked, x)
    found = _look_up(builder, asked.table, x)
    if asked.pads and len(asked.ngrams) > 1:  # each width has padding of its own
        found = _put_padding_behind(builder, found)
    if asked.pads and (asked.length or min_length):
        length = asked.length
        fit_length(builder, found, length, min_length if length is None else length)


def _look_up(builder: GraphBuilder, table: LookupTable, x: str) -> str:
    keys = "keys_strings" if isinstance(table.keys[0], str) else "keys_int64s"
    kind = "string" if table.gives_strings else "int64"
    how = {keys: list(table.keys), f"values_{kind}s": list(table.values), f"default_{kind}": table.default}
    found = builder.node("LabelEncoder", [x], "looked_up", domain=ML_DOMAIN, **how)
    if not table.refuses_others:
        return found
    # Keras raises an error, and so does Gather where an index has no row.
    unknown = builder.node("Equal", [found, builder.constant(table.default, name="unknown")], "is_unknown")
    flat = builder.reshape(builder.node("Cast", [unknown], "unknown_as_number", to=TensorProto.INT64), -1)
    none = builder.constant([0], name="all_are_known")
    flat = builder.node("Concat", [none, flat], "with_one_that_is_known", axis=0)
    row = builder.node("ReduceMax", [flat], "any_is_unknown", keepdims=0)
    zero = builder.node("Gather", [none, row], "all_inputs_must_be_in_the_vocabulary")
    return builder.node("Add", [found, zero], "found_in_the_vocabulary")


def _join_neighbours(builder: GraphBuilder, asked: TextLookup, tokens: str) -> str:
    """Adds n-grams, (texts, tokens) to (texts, n-grams): those of one width, then those of the next."""
    parts = [tokens if width == 1 else _of_width(builder, asked, tokens, width) for width in asked.ngrams]
    return parts[0] if len(parts) == 1 else builder.node("Concat", parts, "ngrams", axis=1)


def _of_width(builder: GraphBuilder, asked: TextLookup, tokens: str, width: int) -> str:
    axis, one_less = builder.constant([1], name="ngram_axis"), builder.constant([width - 1], name="ngram_width")
    count = builder.node("Sub", [builder.node("Shape", [tokens], "count", start=1, end=2), one_less], "ngram_count")
    count = builder.node("Max", [count, builder.constant([0], name="no_ngram")], "ngram_count")
    columns = []
    for place in range(width):
        start = builder.constant([place], name="ngram_place")
        end = builder.node("Add", [start, count], "ngram_end")
        columns.append(builder.node("Slice", [tokens, start, end, axis], "neighbour"))
    joined = columns[0]
    between = builder.constant(_BETWEEN, object, "ngram_between")
    for column in columns[1:]:
        joined = builder.node("StringConcat", [joined, between], "with_space")
        joined = builder.node("StringConcat", [joined, column], "ngram")
    if not asked.splits:
        return joined
    nothing = builder.constant(_NO_TOKEN, object, "no_token")
    ends = builder.node("Equal", [columns[-1], nothing], "has_ended")
    return builder.where(ends, nothing, joined)


def _put_padding_behind(builder: GraphBuilder, ids: str) -> str:
    """Adds what moves the zeros of each row of ids (texts, tokens) behind all else."""
    zero, one = builder.constant(0, name="padding"), builder.constant([1], name="padding_axis")
    padding = builder.node("Equal", [ids, zero], "is_padding")
    real = builder.node("Cast", [builder.node("Not", [padding], "is_real")], "real", to=TensorProto.INT64)
    counts = builder.node("CumSum", [real, builder.constant(1, name="padding_axis_alone")], "counts")
    width = builder.node("Shape", [ids], "width", start=1, end=2)
    place = builder.where(padding, width, builder.node("Sub", [counts, one], "own_place"))
    shape = builder.node("Add", [builder.node("Shape", [ids], "shape"), builder.constant([0, 1], name="one_more")],
                         "shape_and_one")  # fmt: skip
    empty = builder.node("Expand", [zero, shape], "nothing_yet")
    # All padding falls on the last column, which is cut off with what no text needs.
    moved = builder.node("ScatterElements", [empty, place, ids], "moved", axis=1)
    first = builder.constant([0], name="padding_start")
    totals = builder.node("ReduceSum", [real, one], "totals", keepdims=0)  # (texts,)
    totals = builder.node("Concat", [first, totals], "totals_or_none", axis=0)
    longest = builder.node("ReduceMax", [totals, first], "longest", keepdims=1)  # (1,)
    return builder.node("Slice", [moved, first, longest, one], "in_front")
