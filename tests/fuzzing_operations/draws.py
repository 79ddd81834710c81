"""What a random case is made of: inputs of the model, with what may be in them, and random arguments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

SIZES = (1, 2, 3, 4)
REAL, POSITIVE, UNIT, ABOVE_ONE, NONZERO = (-3.0, 3.0), (0.1, 3.0), (-0.95, 0.95), (1.05, 4.0), (0.5, 3.0)
INTEGERS = ("int32", "int64")
SMALL_INTEGERS = ("int8", "int16", "uint8", "uint16", "uint32")
FLOATS = ("float32",)
ANY_INTEGER = (-7, 8)
RARELY = 0.1


@dataclass(frozen=True)
class Given:
    """One input of the model, and how its values are drawn.

    Args:
        shape: its axes after the batch; `None` varies.
        dtype: what it holds.
        low: the smallest value.
        high: the largest one; integers never reach it.
        kind: "plain"; "nonzero": never between -low and low; "special": some zeros and infinities; "nan": NaN as well;
            "distinct": no value twice in a row; "sorted": along the last axis; "large": all that its dtype holds.
    """

    shape: tuple[int | None, ...]
    dtype: str
    low: float
    high: float
    kind: str = "plain"

    def values(self, random: np.random.Generator, batch: int, length: int) -> np.ndarray:
        """Draws the input for so many rows, its varying axes of one length."""
        shape = (batch, *(size if size is not None else length for size in self.shape))
        if self.dtype == "bool":
            return random.random(shape) < 0.5
        if self.kind == "distinct":
            flat = [random.permutation(int(np.prod(shape[1:]))) for _ in range(batch)]
            return (np.reshape(flat, shape) * 0.37 + self.low).astype(self.dtype)
        if self.kind == "large":
            limits = np.iinfo(self.dtype)
            return random.integers(limits.min, limits.max, shape, self.dtype, endpoint=True)
        if "int" in self.dtype:
            array = random.integers(int(self.low), int(self.high), shape)
            if self.kind == "nonzero":
                array = np.where(array == 0, 1, array)
            return array.astype(self.dtype)
        array = random.uniform(self.low, self.high, shape)
        if self.kind == "nonzero":
            array = np.where(random.random(shape) < 0.5, array, -array)
        if self.kind in ("special", "nan"):
            special = [0.0, -0.0, np.inf, -np.inf, 1.0, -1.0, *([np.nan] if self.kind == "nan" else [])]
            array = np.where(random.random(shape) < 0.3, random.choice(special, shape), array)
        if self.kind == "sorted":
            array = np.sort(array, axis=-1)
        return array.astype(self.dtype)


class Draw:
    """Draws the arguments of one case; remembers the inputs that it made.

    Args:
        seed: the same one draws the same case.
        prefix: what names of inputs begin with.
        rare: which of "nan", "small" and "large" a plain draw becomes now and then: NaN and infinities, small and
            unsigned integers, integers that overflow.
    """

    def __init__(self, seed: int | Sequence[int], prefix: str = "x", rare: frozenset[str] = frozenset()):
        self.rare = rare
        self.random = np.random.default_rng(seed)
        self.prefix = prefix
        self.given: dict[str, Given] = {}
        self.tensors: dict[str, Any] = {}

    def choose(self, *choices: Any) -> Any:
        """Returns one of the choices."""
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, probability: float = 0.5) -> bool:
        """Returns whether something happens."""
        return bool(self.random.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Returns a whole number, `high` included."""
        return int(self.random.integers(low, high + 1))

    def size(self) -> int:
        """Returns the size of an axis."""
        return self.choose(*SIZES)

    def shape(self, low: int = 0, high: int = 3, varying: bool = True) -> tuple[int | None, ...]:
        """Returns axes after the batch; the first of them varies in some."""
        shape = tuple(self.size() for _ in range(self.integer(low, high)))
        return (None, *shape[1:]) if varying and shape and self.chance(0.25) else shape

    def axis(self, rank: int, lowest: int = 0) -> int:
        """Returns an axis, counted from either end."""
        axis = self.integer(lowest, rank - 1)
        return axis - rank if self.chance() else axis

    def axes(self, rank: int, lowest: int = 1) -> Any:
        """Returns one axis or several."""
        if rank - lowest > 1 and self.chance(0.3):
            return tuple(sorted(int(axis) for axis in self.random.choice(np.arange(lowest, rank), 2, replace=False)))
        return self.axis(rank, lowest)

    def input(self, given: Given) -> Any:
        """Returns an input of the model."""
        name = f"{self.prefix}_{len(self.given)}"
        self.given[name] = given
        self.tensors[name] = keras.Input(given.shape, dtype=given.dtype, name=name)
        return self.tensors[name]

    def floats(
        self,
        shape: tuple[int | None, ...] | None = None,
        between: tuple[float, float] = REAL,
        kind: str = "plain",
        dtype: str | None = None,
    ) -> Any:
        """Returns an input of floats."""
        shape = self.shape() if shape is None else shape
        if (between, kind) == (REAL, "plain") and "nan" in self.rare and self.chance(RARELY):
            kind = "nan"
        return self.input(Given(shape, dtype or self.choose(*FLOATS), *between, kind))

    def integers(
        self,
        shape: tuple[int | None, ...] | None = None,
        low: int = ANY_INTEGER[0],
        high: int = ANY_INTEGER[1],
        dtype: str | None = None,
        kind: str = "plain",
    ) -> Any:
        """Returns an input of integers."""
        shape = self.shape() if shape is None else shape
        if dtype is None and (low, high) == ANY_INTEGER:
            if "small" in self.rare and self.chance(RARELY):
                dtype = self.choose(*SMALL_INTEGERS)
                low = 0 if dtype.startswith("u") else low
            if kind == "plain" and "large" in self.rare and self.chance(RARELY):
                kind = "large"
        return self.input(Given(shape, dtype or self.choose(*INTEGERS), low, high, kind))

    def bools(self, shape: tuple[int | None, ...] | None = None) -> Any:
        """Returns an input of bools."""
        return self.input(Given(self.shape() if shape is None else shape, "bool", 0, 2))

    def numbers(self, shape: tuple[int | None, ...] | None = None, kind: str = "plain") -> Any:
        """Returns an input of floats, or of integers."""
        if self.chance(0.7):
            return self.floats(shape, kind=kind) if kind != "nonzero" else self.floats(shape, NONZERO, kind)
        return self.integers(shape, kind="nonzero" if kind == "nonzero" else "plain")

    def anything(self, shape: tuple[int | None, ...] | None = None) -> Any:
        """Returns an input of floats, integers or bools."""
        return self.numbers(shape) if self.chance(0.75) else self.bools(shape)

    def constant(self, shape: tuple[int, ...], between: tuple[float, float] = REAL, dtype: str = "float32") -> Any:
        """Returns an array, which becomes a constant of the model."""
        return self.random.uniform(*between, shape).astype(dtype)

    def pair(self, make: Callable[..., Any], kind: str = "plain", axes: int = 3) -> tuple[Any, Any]:
        """Returns two operands whose shapes broadcast: two inputs, or one and a constant."""
        shape = self.shape(0, axes)
        first = make(shape, kind=kind)
        if self.chance(0.2):
            number = self.choose(1, 2, 3, -2, -3)
            if "int" not in first.dtype:
                return first, number + 0.5
            return first, abs(number) if first.dtype.startswith("u") else number
        other = tuple(1 if size is not None and self.chance(0.2) else size for size in shape)
        given = Given(other, first.dtype, *self._limits(first), kind)
        return first, self.input(given)

    def _limits(self, tensor: Any) -> tuple[float, float]:
        given = self.given[tensor.name]
        return given.low, given.high
