"""From counts to an order of tokens."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence


def count_tokens(texts: Iterable[str], split: Callable[[str], list[str]], reserved: Iterable[str]) -> dict[str, int]:
    """Counts tokens, the reserved ones left out, in the order of first appearance.

    Example:
    >>> count_tokens(["b a", "a [PAD]"], str.split, ["[PAD]"])
    {'b': 1, 'a': 2}
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text))
    for token in reserved:
        counts.pop(token, None)
    return dict(counts)


def rank_tokens(
    counts: Mapping[str, int], max_tokens: int | None, min_count: int, reserved: int
) -> tuple[list[str], list[int], list[int]]:
    """Orders tokens: the most frequent first, ties by first appearance.

    Args:
        counts: how often each token was seen, in the order of first appearance.
        max_tokens: how many tokens are kept at most, the reserved ones counted in; `None`: all.
        min_count: a token that is seen less often is left out.
        reserved: how many tokens are reserved.

    Returns:
        The tokens, their counts, and their ranks by first appearance.

    Raises:
        ValueError: `max_tokens` leaves no room for the reserved tokens, or `min_count` is below 1.

    Example:
    >>> rank_tokens({"b": 1, "a": 2, "c": 1}, max_tokens=6, min_count=1, reserved=4)
    (['a', 'b'], [2, 1], [1, 0])
    """
    if max_tokens is not None and max_tokens < reserved:
        raise ValueError(
            f"Vocabulary: max_tokens counts the {reserved} reserved tokens in, so it is at least {reserved}; "
            f"received {max_tokens}."
        )
    if min_count < 1:
        raise ValueError(f"Vocabulary: min_count is at least 1; received {min_count}.")
    ranked = [(token, count, rank) for rank, (token, count) in enumerate(counts.items()) if count >= min_count]
    ranked.sort(key=lambda entry: -entry[1])  # stable: ties stay in the order of first appearance
    if max_tokens is not None:
        ranked = ranked[: max_tokens - reserved]
    return [token for token, _, _ in ranked], [count for _, count, _ in ranked], [rank for _, _, rank in ranked]


def add_counts(parts: Iterable[tuple[Sequence[str], Sequence[int], Sequence[int]]]) -> dict[str, int]:
    """Adds up counts that were taken apart.

    Args:
        parts: the tokens of each part, their counts, and their ranks by first appearance in it.

    Returns:
        The sums, in the order of first appearance over all parts.

    Example:
    >>> add_counts([(["a", "b"], [2, 1], [1, 0]), (["b"], [4], [0])])
    {'b': 5, 'a': 2}
    """
    sums: Counter[str] = Counter()
    for tokens, counts, first_seen in parts:
        for _, token, count in sorted(zip(first_seen, tokens, counts, strict=True)):
            sums[token] += count
    return dict(sums)
