"""Text to ids inside the graph: the rules of a vocabulary, in operators of a stock onnxruntime.

Upper and lower case: text that is ASCII takes `StringNormalizer`, which needs nothing of the platform for it. Other
text is taken apart into characters, each is looked up in a table that the graph carries, and they are joined again
two by two, in as many steps as the longest text has binary digits. So no platform's Unicode tables have a say.
"""

from onnx import GraphProto, NodeProto, TensorProto, helper

from keras_seqkit.text import Vocabulary
from keras_seqkit.text.vocabulary import PADDING_ID, UNKNOWN_ID
from keras_seqkit.text.vocabulary.rules import TextRules
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.text.joining_text import join_columns
from seqkit_onnx.text.subword_pieces import piece_pattern, put_space_in_front

MICROSOFT_DOMAIN = "com.microsoft"
ML_DOMAIN = "ai.onnx.ml"
# A word that no text can contain: the value that LabelEncoder gives a character without a replacement.
_KEPT = "\ufffe kept"
_STRING, _BOOL, _INT64 = TensorProto.STRING, TensorProto.BOOL, TensorProto.INT64


def add_text_to_ids(
    graph: GraphProto,
    vocabulary: Vocabulary,
    text: str,
    ids: str,
    max_length: int | None,
    min_length: int = 1,
    spare_step: bool = False,
    dtype: int = TensorProto.INT32,
) -> list[NodeProto]:
    """Adds what turns `text` into `ids`, exactly as ``vocabulary.encode(text, ...)`` does.

    Args:
        graph: where constants go.
        vocabulary: the tokens and the rules.
        text: the name of the input, string (batch,).
        ids: the name of the result, int32 (batch, time), padding after the text.
        max_length: the time at most: what is longer loses its end; `None`: no limit.
        min_length: the time at least: padding fills it up.
        spare_step: whether `min_length` steps of padding may stand behind the longest text too, which takes three
            nodes less; for a network that masks them.
        dtype: of the result, int32 or int64; the latter takes a node less.

    Returns:
        The nodes, in order.
    """
    builder = GraphBuilder(graph, "text")
    normalized = normalize(builder, vocabulary.rules, text)
    if vocabulary.rules.leading_space:
        normalized = put_space_in_front(builder, normalized)
        pattern = piece_pattern(vocabulary.tokens[len(vocabulary.reserved) :])
    else:
        pattern = vocabulary.rules.pattern
    tokens = tokenize(builder, normalized, pattern, "tokens")  # (batch, time)
    encoded = _look_up(builder, vocabulary, tokens)  # (batch, time)
    fit_length = _fit_length_with_spare_step if spare_step else fit_length_exactly
    encoded = fit_length(builder, encoded, max_length, min_length)
    convert = {"op_type": "Identity"} if dtype == _INT64 else {"op_type": "Cast", "to": dtype}
    builder.nodes.append(helper.make_node(inputs=[encoded], outputs=[ids], name="text/ids", **convert))
    return builder.nodes


def tokenize(builder: GraphBuilder, text: str, pattern: str | None, name: str) -> str:
    """Adds a Tokenizer: the matches of `pattern`, or each character: (batch,) to (batch, time)."""
    how = {"separators": [""]} if pattern is None else {"tokenexp": pattern}
    # Short rows are filled up with the empty string, which is no token.
    tokens = builder.node("Tokenizer", [text], name, domain=MICROSOFT_DOMAIN, mark=0, mincharnum=1, pad_value="", **how)
    builder.describe(tokens, _STRING, ["batch", None])  # onnx knows nothing of this operator
    return tokens


def _look_up(builder: GraphBuilder, vocabulary: Vocabulary, tokens: str) -> str:
    own = vocabulary.tokens[len(vocabulary.reserved) :]
    return builder.node(
        "LabelEncoder",
        [tokens],
        "token_ids",
        domain=ML_DOMAIN,
        keys_strings=["", *own],
        values_int64s=[PADDING_ID, *range(len(vocabulary.reserved), len(vocabulary))],
        default_int64=UNKNOWN_ID,
    )


def fit_length_exactly(builder: GraphBuilder, ids: str, max_length: int | None, min_length: int) -> str:
    """Cuts or fills up the time axis, to `min_length` at least and `max_length` at most."""
    # Every constant here has a name that no other part of a file gives: names are one space, subgraphs included.
    minimum = builder.constant([0, 0, 0, min_length], name="text_padding")
    padded = builder.node("Pad", [ids, minimum], "with_padding")
    shape = builder.node("Shape", [ids], "time", start=1, end=2)
    time = builder.node("Max", [shape, builder.constant([min_length], name="text_min_length")], "time_at_least")
    if max_length is not None:
        time = builder.node("Min", [time, builder.constant([max_length], name="text_max_length")], "time_at_most")
    start, axis = builder.constant([0], name="text_start"), builder.constant([1], name="text_axis")
    return builder.node("Slice", [padded, start, time, axis], "ids_in_time")


def _fit_length_with_spare_step(builder: GraphBuilder, ids: str, max_length: int | None, min_length: int) -> str:
    """Puts `min_length` steps of padding behind the longest text, and cuts the time to `max_length`."""
    padded = builder.node("Pad", [ids, builder.constant([0, 0, 0, min_length], name="text_padding")], "with_padding")
    if max_length is None:
        return padded
    bounds = [([0], "text_start"), ([max_length], "text_max_length"), ([1], "text_axis")]
    start, end, axis = (builder.constant(value, name=name) for value, name in bounds)
    return builder.node("Slice", [padded, start, end, axis], "ids_in_time")


def normalize(builder: GraphBuilder, rules: TextRules, text: str) -> str:
    """Adds what a rule does to texts before they are split: (batch,) to (batch,)."""
    if not rules.replacements:
        return text
    ascii_lower = rules.lowercase and not rules.strip_punctuation
    untouched = r"[\x00-\x7f]*" if ascii_lower else _pattern_of_others(rules)
    plain = builder.node("RegexFullMatch", [text], "is_plain", pattern=untouched)  # (batch,)
    all_plain = builder.node("ReduceMin", [plain], "all_plain", keepdims=0)  # (), of bool: false where one is
    then, otherwise = (
        _ascii_branch(text, bool(ascii_lower), builder.prefix),
        _table_branch(text, rules.replacements, builder.prefix),
    )
    return builder.node("If", [all_plain], "normalized", then_branch=then, else_branch=otherwise)


def _pattern_of_others(rules: TextRules) -> str:
    changed = "".join(f"\\x{{{ord(character):x}}}" for character in rules.replacements)
    return f"[^{changed}]*"


def _ascii_branch(text: str, lower: bool, prefix: str) -> GraphProto:
    """The branch of text that is ASCII, or that has nothing to replace."""
    if lower:
        # Its default locale, en_US, is not installed everywhere; for ASCII the C locale, which is, does the same.
        node = helper.make_node(
            "StringNormalizer",
            [text],
            [f"{prefix}/plain"],
            name=f"{prefix}/lower_ascii",
            case_change_action="LOWER",
            is_case_sensitive=1,
            locale="C",
        )
    else:
        node = helper.make_node("Identity", [text], [f"{prefix}/plain"], name=f"{prefix}/as_it_is")
    return helper.make_graph(
        [node], "plain_text", [], [helper.make_tensor_value_info(f"{prefix}/plain", _STRING, ["batch"])]
    )


def _table_branch(text: str, replacements: dict[str, str], prefix: str) -> GraphProto:
    """The branch that replaces characters by a table and joins them again."""
    result = helper.make_tensor_value_info(f"{prefix}/joined", _STRING, ["batch"])
    branch = helper.make_graph([], "text_by_table", [], [result])
    builder = GraphBuilder(branch, f"{prefix}/by_table")
    characters = tokenize(builder, text, None, "characters")  # (batch, characters)
    replaced = builder.node(
        "LabelEncoder",
        [characters],
        "replaced",
        domain=ML_DOMAIN,
        keys_strings=list(replacements),
        values_strings=list(replacements.values()),
        default_string=_KEPT,
    )
    kept = builder.node("Equal", [replaced, builder.constant(_KEPT, object, f"{prefix}_kept")], "is_kept")
    new = builder.where(kept, characters, replaced)
    # An empty character in front, so that a text without any has one to join.
    shape = builder.node("Shape", [new], "batch", start=0, end=1)
    column = builder.node("Concat", [shape, builder.constant([1], name=f"{prefix}_one_column")], "column", axis=0)
    empty = builder.node("Expand", [builder.constant("", object, f"{prefix}_empty"), column], "empty_column")
    new = builder.node("Concat", [empty, new], "characters_to_join", axis=1)
    builder.nodes.extend(join_columns(builder, new, empty, f"{prefix}_join", f"{prefix}/joined"))
    branch.node.extend(builder.nodes)
    return branch
