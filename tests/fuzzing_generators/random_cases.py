"""Random generators, samplers, prompts and settings; and the comparison of Keras with an exported file."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import seqkit_onnx

from keras_seqkit import TextGenerator, samplers
from keras_seqkit.samplers import Sampler
from tests.detokenizers import random_detokenizer
from tests.generators import CELLS, TEXTS, UNKNOWN, generator
from tests.numpy_generator import Call, Choice, text_of, write

TIE = 1e-5  # float32 sums in another order move probabilities, scores and logits of such small networks by less
OWN_ARGUMENTS: dict[str, Any] = {
    "greedy": lambda random: {},
    "random": lambda random: {},
    "top_k": lambda random: {"k": int(random.integers(1, 9))},
    "top_p": lambda random: {"p": float(random.choice([0.3, 0.7, 0.95])), "k": random.choice([None, 3, 6])},
    "min_p": lambda random: {"min_p": float(random.choice([0.05, 0.2, 0.5]))},
    "typical": lambda random: {"typical_p": float(random.choice([0.2, 0.6, 0.95]))},
    "beam": lambda random: {
        "num_beams": int(random.integers(1, 5)),
        "length_penalty": float(random.choice([0.0, 0.6, 1.0, 2.0])),
    },
    "contrastive": lambda random: {"k": int(random.integers(1, 6)), "alpha": float(random.choice([0.0, 0.4, 0.8]))},
}
assert set(OWN_ARGUMENTS) == set(samplers.SAMPLERS)


class Writer(NamedTuple):
    """A generator and how it writes."""

    name: str
    model: TextGenerator
    sampler: Sampler


class Case(NamedTuple):
    """A call of `generate`."""

    prompts: list[str]
    call: Call


@dataclass(frozen=True)
class Difference:
    """Three texts that are not all equal, and whether a rare tie explains it."""

    writer: str
    prompt: str
    call: Call
    keras: str
    onnx: str
    numpy: str
    margin: float  # the smallest one, up to the first token that differs

    @property
    def is_tie(self) -> bool:
        return self.margin < TIE


def random_writer(name: str, number: int) -> Writer:
    """Draws a generator, and constraints for the sampler of this name."""
    random = np.random.default_rng([number, sorted(samplers.SAMPLERS).index(name)])
    cell, level = random.choice(CELLS), str(random.choice(list(TEXTS)))
    model = generator(str(cell), level, number, units=(12, 8) if random.random() < 0.7 else 16)
    own = model.vocabulary.tokens[4:]
    constraints: dict[str, Any] = {
        "temperature": float(random.choice([0.5, 1.5])),
        "repetition_penalty": float(random.choice([0.8, 1.3, 2.0])),
        "no_repeat_ngram_size": int(random.integers(1, 4)),
        "min_new_tokens": int(random.integers(1, 9)),
        "banned_tokens": [str(random.choice(own)), 5],
    }
    constraints = {argument: value for argument, value in constraints.items() if random.random() < 0.5}
    sampler = samplers.SAMPLERS[name](**OWN_ARGUMENTS[name](random), **constraints)
    if level == "word" and random.random() < 0.5:
        model.detokenizer = random_detokenizer(model.vocabulary, number)
    joins = "spaces" if model.detokenizer is None else "detokenizer"
    return Writer(f"{name} {cell} {level} {joins} {sampler.get_config()}", model, sampler)


def random_cases(writer: Writer, count: int, seed: int) -> Iterator[Case]:
    """Draws calls, one text or three at once: few shapes, so that Keras compiles little."""
    random = np.random.default_rng(seed)
    vocabulary = writer.model.vocabulary
    level, joiner = vocabulary.rules.level, vocabulary.rules.joiner
    own = [*vocabulary.tokens[4:], *UNKNOWN[level].split()]
    done = 0
    while done < count:
        rows = min(int(random.choice([1, 3])), count - done)
        rows = rows if rows in (1, 3) else 1
        prompts = [joiner.join(random.choice(own, random.integers(0, 13))) for _ in range(rows)]
        prompts = [prompt + " " * int(random.random() < 0.2) for prompt in prompts]
        call = Call(
            max_new_tokens=int(random.choice([0, 1, 5, 20, 30], p=[0.04, 0.06, 0.2, 0.5, 0.2])),
            temperature=float(random.choice([0.0, 1e-7, 0.2, 0.7, 1.0, 1.5])),
            top_k=int(random.choice([0, 0, 1, 3, 6, 100, 2**40])),
            top_p=float(random.choice([1.0, 1.0, 0.9, 0.5, 0.0])),
            seed=int(random.choice([0, 1, -1, random.integers(-(2**63), 2**63)])),
        )
        done += rows
        yield Case(prompts, call)


def exported(writer: Writer) -> Any:
    """Exports a writer, and opens the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "writer.onnx")
        seqkit_onnx.export(writer.model, path, sampler=writer.sampler)
        return seqkit_onnx.load(path, ["CPUExecutionProvider"])


def differences(writer: Writer, file: Any, case: Case) -> Iterator[Difference]:
    """Yields the texts that Keras, the file and NumPy do not write alike."""
    of_keras = writer.model.generate(case.prompts, sampler=writer.sampler, **case.call._asdict())
    of_onnx = file.generate(case.prompts, **case.call._asdict())
    for row, (prompt, *found) in enumerate(zip(case.prompts, of_keras, of_onnx, strict=True)):
        choices = write(writer.model, writer.sampler, prompt, row, case.call)
        found.append(text_of(writer.model, prompt, [choice.token for choice in choices]))
        if len(set(found)) > 1:
            yield Difference(writer.name, prompt, case.call, *found, smallest_margin(writer, prompt, choices, found))


def smallest_margin(writer: Writer, prompt: str, choices: list[Choice], texts: list[str]) -> float:
    """Returns how near choices were to others, up to the first token where a text leaves NumPy's."""
    found = []
    for place, choice in enumerate(choices):
        found.append(choice.margin)
        begun = text_of(writer.model, prompt, [choice.token for choice in choices[: place + 1]])
        if not all(text.startswith(begun) for text in texts):
            break
    return min(found, default=float("inf"))
