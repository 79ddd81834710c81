"""What the readers of vector files give."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Rows:
    """Rows of a file.

    Attributes:
        dim: numbers in a row.
        lines: lines read, blank ones and a header among them; of a binary file, vectors.
        tokens: the found tokens, in the order of the file. The first row of a token is the one to take. A few
            tokens that were not asked for may be among them.
        blocks: float32 (rows, dim) arrays, together one row for each of ``tokens``.
    """

    dim: int = 0
    lines: int = 0
    tokens: list[bytes] = field(default_factory=list)
    blocks: list[np.ndarray] = field(default_factory=list)
