"""Splits keep groups whole, are near the share that was asked for, and never change."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_seqkit.datasets._splits import deal, require_fraction, stable_rank

groups_of_rows = st.lists(st.text(max_size=3), min_size=1, max_size=60)
shares = st.floats(0.01, 0.49)
seeds = st.integers(-5, 1000)


@settings(deadline=None)
@given(groups_of_rows, shares, shares, seeds)
def test_no_group_is_in_two_parts(groups: list[str], first: float, second: float, seed: int) -> None:
    parts = deal(groups, [first, second], seed)
    assert len(parts) == len(groups)
    assert set(parts) <= {0, 1, 2}
    assert len(set(zip(groups, parts, strict=True))) == len(set(groups))


@settings(deadline=None)
@given(groups_of_rows, shares, shares, seeds)
def test_a_part_has_its_share_of_the_rows_as_near_as_whole_groups_allow(
    groups: list[str], first: float, second: float, seed: int
) -> None:
    parts = Counter(deal(groups, [first, second], seed))
    largest = max(Counter(groups).values())
    assert abs(parts[0] - first * len(groups)) <= largest / 2 + 1e-9
    assert abs(parts[0] + parts[1] - (first + second) * len(groups)) <= largest / 2 + 1e-9


@settings(deadline=None)
@given(groups_of_rows, shares, shares, seeds)
def test_the_first_part_does_not_depend_on_the_later_ones(
    groups: list[str], first: float, second: float, seed: int
) -> None:
    alone = [part == 0 for part in deal(groups, [first, 0.0], seed)]
    assert alone == [part == 0 for part in deal(groups, [first, second], seed)]


@settings(deadline=None)
@given(groups_of_rows, shares, seeds, st.randoms())
def test_the_order_of_the_rows_does_not_matter(groups: list[str], share: float, seed: int, random) -> None:
    shuffled = random.sample(groups, len(groups))
    before = dict(zip(groups, deal(groups, [share], seed), strict=True))
    assert before == dict(zip(shuffled, deal(shuffled, [share], seed), strict=True))


def test_another_seed_deals_otherwise() -> None:
    groups = [str(number) for number in range(100)]
    assert deal(groups, [0.5], 0) != deal(groups, [0.5], 1)
    assert deal(groups, [0.5], 0) == deal(groups, [0.5], 0)


def test_the_split_is_the_same_in_processes_whose_own_hashes_differ() -> None:
    code = "from keras_seqkit.datasets._splits import deal; print(deal(list('abcdefghijklmnop') * 2, [0.3, 0.3], 7))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert printed == {f"{deal(list('abcdefghijklmnop') * 2, [0.3, 0.3], 7)}\n"}


def test_the_rank_never_changes_from_one_version_to_the_next() -> None:
    assert stable_rank(0, "abandon", "A mess.").hex() == "22b7587a057b49f251ef981edf5f1b76"
    assert stable_rank(1, "a", "b") != stable_rank(1, "ab")


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan"), 0.0])
def test_a_fraction_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"rotten_tomatoes: test_fraction is .*, expected more than 0 and less than 1"):
        require_fraction("rotten_tomatoes", "test_fraction", value, zero_is_allowed=False)


def test_a_fraction_of_zero_can_be_allowed() -> None:
    require_fraction("reuters_r8", "validation_fraction", 0.0, zero_is_allowed=True)
