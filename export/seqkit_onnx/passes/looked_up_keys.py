"""What a graph knows of its inputs' strings and integers: the keys of the tables that they are looked up in."""

from collections.abc import Iterable

from onnx import GraphProto, NodeProto, TensorProto

from seqkit_onnx.passes.passes import reads

_KINDS = (TensorProto.STRING, TensorProto.INT32, TensorProto.INT64)


def looked_up_keys(graph: GraphProto) -> dict[str, list[str] | list[int]]:
    """Returns, for each input that ends up in a `LabelEncoder`, what is looked up there, texts being split before.

    Args:
        graph: a finished graph; branches and loops are passed over.
    """
    sources = {
        value.name: {value.name} for value in graph.input if value.type.tensor_type.elem_type in _KINDS
    }  # which inputs a value is made of
    found: dict[str, dict] = {}
    for node in graph.node:
        own = set().union(*(sources.get(name, set()) for name in reads(node)))
        if node.op_type == "LabelEncoder":
            for name in own:
                found.setdefault(name, {}).update(dict.fromkeys(_keys(node)))
        elif own:
            sources.update((output, own) for output in node.output)
    return {name: list(keys) for name, keys in found.items()}


def _keys(node: NodeProto) -> Iterable[str] | Iterable[int]:
    for attribute in node.attribute:
        if attribute.name == "keys_strings":
            return [key.decode() for key in attribute.strings]
        if attribute.name == "keys_int64s":
            return list(attribute.ints)
    return []
