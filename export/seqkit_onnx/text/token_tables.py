"""Text and lookup layers inside a model, as ONNX: texts are split, and what they are split into is looked up."""

from collections.abc import Iterator, Mapping
from typing import Any

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from keras_seqkit.text.vocabulary.rules import Level, TextRules
from seqkit_onnx.cells.recurrence import PLACEHOLDER_DOMAIN
from seqkit_onnx.cells.token_table import TABLE_TYPE, TokenTable
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.text.text_to_ids import ML_DOMAIN, fit_length_exactly, normalize, tokenize

_LEVELS: dict[str, Level] = {"whitespace": "whitespace", "character": "char"}


def padded_on_the_right(graph: GraphProto, tables: Mapping[bytes, TokenTable]) -> tuple[str, ...]:
    """Lists the ids whose zeros are all behind their texts.

    Args:
        graph: a graph with placeholders.
        tables: what each stands for.
    """
    return tuple(
        node.output[0]
        for node in graph.node
        if _is_placeholder(node) and tables[node.attribute[0].s].split and not tables[node.attribute[0].s].padding
    )


def write_token_tables(model: ModelProto, tables: Mapping[bytes, TokenTable]) -> None:
    """Replaces the placeholder of each table.

    Args:
        model: changed in place.
        tables: what each placeholder stands for, by its attribute.
    """
    _write(model.graph, model.graph, tables)
    for opset in [each for each in model.opset_import if each.domain == PLACEHOLDER_DOMAIN]:
        model.opset_import.remove(opset)


def _is_placeholder(node: NodeProto) -> bool:
    return node.domain == PLACEHOLDER_DOMAIN and node.op_type == TABLE_TYPE


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def _write(graph: GraphProto, main: GraphProto, tables: Mapping[bytes, TokenTable]) -> None:
    nodes: list[NodeProto] = []
    for node in graph.node:
        for inner in _subgraphs(node):
            _write(inner, main, tables)
        if _is_placeholder(node):
            nodes.extend(_table_nodes(main, tables[node.attribute[0].s], node.input[0], node.output[0]))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _table_nodes(main: GraphProto, table: TokenTable, inputs: str, output: str) -> list[NodeProto]:
    builder = GraphBuilder(main, table.name)
    if table.split is None:
        found = _look_up(builder, table, _normalized_each(builder, table, inputs), pad=False)
    else:
        rules = TextRules(_LEVELS[table.split], "ascii" if table.lowercase else False, table.strip_punctuation)
        tokens = tokenize(builder, normalize(builder, rules, inputs), rules.pattern, "tokens")  # (batch, time)
        found = _look_up(builder, table, _ngrams(builder, table.ngrams, tokens) if table.ngrams else tokens, pad=True)
        if table.ngrams and table.compact:
            found = _compacted(builder, found)
        found = fit_length_exactly(builder, found, table.length, table.length or 1)
    builder.nodes.append(helper.make_node("Identity", [found], [output], name=f"{table.name}/ids"))
    return builder.nodes


def _normalized_each(builder: GraphBuilder, table: TokenTable, inputs: str) -> str:
    """Standardizes strings of any shape."""
    if not (table.lowercase or table.strip_punctuation):
        return inputs
    rules = TextRules("whitespace", "ascii" if table.lowercase else False, table.strip_punctuation)
    flat = builder.reshape(inputs, -1)  # (strings,)
    return builder.node("Reshape", [normalize(builder, rules, flat), builder.node("Shape", [inputs], "shape")], "each")


def _look_up(builder: GraphBuilder, table: TokenTable, tokens: str, pad: bool) -> str:
    """Looks tokens up; where rows are of several lengths, the empty string stands behind the shorter ones."""
    keys: list[Any] = list(table.keys)
    values: list[Any] = list(table.values)
    if pad:
        places = [place for place, key in enumerate(keys) if key == ""]
        keys = ["", *(key for place, key in enumerate(keys) if place not in places)]
        values = [table.padding, *(value for place, value in enumerate(values) if place not in places)]
    kind = {str: "strings", int: "int64s"}
    kind_of_keys = str if pad or isinstance(next(iter(keys), ""), str) else int
    kind_of_values = type(table.default)
    attributes: dict[str, Any] = {f"keys_{kind[kind_of_keys]}": keys, f"values_{kind[kind_of_values]}": values}
    attributes[f"default_{kind[kind_of_values].removesuffix('s')}"] = table.default
    return builder.node("LabelEncoder", [tokens], "looked_up", domain=ML_DOMAIN, **attributes)


def _ngrams(builder: GraphBuilder, widths: tuple[int, ...], tokens: str) -> str:
    """Joins neighbours by a space: strings (batch, time) to (batch, time of all widths), "" where there are none."""
    one, axis = builder.constant([1], name="one"), builder.constant([1], name="axis")
    batch, time = (
        builder.node("Shape", [tokens], name, start=start, end=start + 1) for start, name in ((0, "batch"), (1, "time"))
    )
    nothing = builder.constant("", object, "nothing")
    spare = builder.constant([max(widths)], name="spare")
    behind = builder.node("Expand", [nothing, builder.node("Concat", [batch, spare], "room", axis=0)], "behind")
    longer = builder.node("Concat", [tokens, behind], "longer", axis=1)  # (batch, time + width)
    space = builder.constant(" ", object, "space")
    grams, joined = [], tokens
    for place in range(max(widths)):
        start = builder.constant([place], name="start")
        end = builder.node("Add", [time, start], "end")
        part = builder.node("Slice", [longer, start, end, axis, one], "neighbours")  # (batch, time)
        if place:
            spaced = builder.node("StringConcat", [joined, space], "spaced")
            joined = builder.node("StringConcat", [spaced, part], "grams")
        if place + 1 in widths:
            missing = builder.node("Equal", [part, nothing], "missing")
            grams.append(builder.where(missing, nothing, joined))
    order = [grams[sorted(set(widths)).index(width)] for width in widths]
    return order[0] if len(order) == 1 else builder.node("Concat", order, "all_grams", axis=1)


def _compacted(builder: GraphBuilder, ids: str) -> str:
    """Moves what is not 0 in front, in its order: int64 (batch, n) to (batch, the most of a row)."""
    zero, axis = builder.constant(0, name="zero"), builder.constant([1], name="axis")
    is_real = builder.node("Cast", [ids], "is_real", to=TensorProto.BOOL)
    real = builder.node("Cast", [is_real], "real", to=TensorProto.INT64)  # (batch, n)
    count = builder.node("Shape", [ids], "count", start=1, end=2)
    step = builder.constant(1, name="one_step")
    places = builder.node("Range", [zero, builder.squeeze(count, 0), step], "places")  # (n,)
    rank = builder.node("Sub", [builder.node("Mul", [real, count], "first"), places], "rank")  # the largest comes first
    _, order = builder.node_with(2, "TopK", [rank, count], "order", axis=1, largest=1, sorted=1)
    moved = builder.node("GatherElements", [ids, order], "moved", axis=1)
    lengths = builder.node("ReduceSum", [real, axis], "lengths", keepdims=0)
    longest = builder.node("ReduceMax", [lengths, builder.constant([0], name="rows")], "longest", keepdims=1)
    start = builder.constant([0], name="rows")
    return builder.node("Slice", [moved, start, longest, axis], "compacted")
