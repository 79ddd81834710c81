"""Which functions are drawn with NaN and infinities, with small integers, and with integers that overflow."""

from tests.fuzzing_operations import array_table, elementwise_table

# Keras itself answers in one way where XLA compiles `predict`, and in another where it does not.
KERAS_DISAGREES_ON_NAN = {"max", "min", "amax", "amin", "ptp", "sort", "argsort", "softmax"}
ROUND_APART_AT_INFINITY = {*elementwise_table.NOT_OF_INFINITY, "fmod", "i0", "heaviside"}
OF_NAN = {
    *elementwise_table.OF_REAL, *elementwise_table.OF_TWO, *elementwise_table.OF_SPECIAL, "divide", "true_divide",
    "divide_no_nan", "logaddexp", "sum", "mean", "prod", "argmax", "argmin", "cumsum", "cumprod", "count_nonzero",
    "all", "any", "log_softmax", "logsumexp", "clip", "where", "concatenate", "stack", "transpose",
    "reshape", "flip", "roll", "tile", "repeat", "expand_dims", "diff", "one_hot", "nan_to_num", "logical_and",
    "logical_or", "isclose", "leaky_relu", "elu", "threshold", "matmul",
} - KERAS_DISAGREES_ON_NAN - ROUND_APART_AT_INFINITY  # fmt: skip
OF_SMALL_INTEGERS = {
    "abs", "sign", "square", "add", "subtract", "multiply", "maximum", "minimum", "equal", "not_equal", "greater",
    "greater_equal", "less", "less_equal", "floor_divide", "mod", "clip", "where", "power", "relu", "bitwise_and",
    "bitwise_or", "bitwise_xor", "bitwise_not", "sum", "prod", "max", "min", "amax", "amin", "ptp", "mean",
    "count_nonzero", "argmax", "argmin", "all", "any", "cumsum", "cumprod", "sort", "diff", "trace", "tril", "triu",
    "pad", "flip", "roll", "tile", "repeat", "transpose", "reshape", "take_along_axis", "logical_and", "logical_or",
    "logical_not", "ones_like", "zeros_like", "expand_dims", "get_item", "take", "digitize", "copy", "swapaxes",
}  # fmt: skip
OF_LARGE_INTEGERS = OF_SMALL_INTEGERS - {
    "mean", "power", "digitize",  # through floats, which cannot hold them
    "abs",  # of the smallest number, which has no positive
}  # fmt: skip


def rare_values(name: str) -> frozenset[str]:
    """Returns what a case, by its name in the table, may draw now and then."""
    space, _, own = name.rpartition(".")
    if space != "ops":
        return frozenset()
    groups = {"nan": OF_NAN, "small": OF_SMALL_INTEGERS, "large": OF_LARGE_INTEGERS}
    return frozenset(kind for kind, names in groups.items() if own in names)


def undrawn() -> set[str]:
    """Returns the names here that no table knows: a misspelt one would never be drawn."""
    known = {*elementwise_table.TABLE, *array_table.TABLE, "softmax", "log_softmax", "logsumexp", "matmul"}
    return (OF_NAN | OF_SMALL_INTEGERS | KERAS_DISAGREES_ON_NAN) - known
