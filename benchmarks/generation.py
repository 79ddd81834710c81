"""How fast text is written: the textbook loop, compiled Keras, a step model in a loop, and the one-file generator.

A character model of two LSTM layers of 256 units writes 1,000 tokens for one prompt and for 32. All run in one process,
in turn, so that a noisy machine is as noisy for each. PyTorch runs the same network, step by step, beside them. The
floor is what a program cannot go below that reads all weights from memory at each step (batch 1), or that does all
products at the rate of a large matrix product (batch 32); what the caches give is printed too. Run it alone:

    make bench-generation
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
import seqkit_onnx
import torch
from matplotlib.figure import Figure
from turns import turns

from keras_seqkit import TextGenerator, Vocabulary
from keras_seqkit.samplers import RandomSampler
from keras_seqkit.text.vocabulary import END_ID, START_ID

OUTPUT = Path(__file__).parent / "output"
CHARACTERS = [chr(code) for code in range(32, 32 + 82)]  # as many as Shakespeare's works have
UNITS, EMBEDDING = (256, 256), 64
TOKENS, WINDOW, TEXTBOOK_TOKENS = 1000, 60, 10
PROMPT = "To be, or not to be"
Candidate = Callable[[int], Any]
ONE_FILE = "one-file generator"


def make_generator() -> TextGenerator:
    """A network whose weights are as large as trained ones; what they are does not matter for time."""
    model = TextGenerator(Vocabulary(CHARACTERS, level="char", lowercase=False), UNITS, embedding=EMBEDDING)
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.standard_normal(weight.shape) * 0.1)
    return model


def textbook_loop(model: TextGenerator, prompts: list[str]) -> Candidate:
    """What tutorials do: `predict` on the last 60 tokens, for each token."""

    def write(tokens: int) -> np.ndarray:
        random = np.random.default_rng(0)
        ids = model.vocabulary.encode(prompts)
        for _ in range(tokens):
            logits = keras.Model.predict(model, ids[:, -WINDOW:], verbose=0)[:, -1]
            probabilities = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
            drawn = random.random((len(ids), 1)) * probabilities[:, -1:]
            ids = np.concatenate([ids, (probabilities > drawn).argmax(axis=1)[:, None].astype(np.int32)], axis=1)
        return ids

    return write


def step_loop(path: str, prompts: list[str]) -> Candidate:
    """The exported step, from ids, in a Python loop: no text in it."""
    step = seqkit_onnx.load(path)
    names = step.output_names

    def write(tokens: int) -> list[int]:
        batch = len(prompts)
        feeds = {"ids": ids_of(prompts), "token": np.full(batch, START_ID, np.int32), **step.initial_state(batch)}
        nothing = np.zeros((batch, 1), np.int32)
        draws = np.random.default_rng(0).random((tokens, batch), np.float32)
        written = []
        for index in range(tokens):
            feeds["uniform"] = draws[index]
            outputs = dict(zip(names, step.session.run(None, feeds), strict=True))
            feeds = {"ids": nothing, "token": outputs["next_token"], **step.next_state(outputs)}
            written.append(outputs["next_token"])
        return written

    return write


def ids_of(prompts: list[str]) -> np.ndarray:
    return Vocabulary(CHARACTERS, level="char", lowercase=False).encode(prompts)


class TorchNetwork(torch.nn.Module):
    """The same network in PyTorch."""

    def __init__(self, vocab: int):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab, EMBEDDING)
        self.lstm = torch.nn.LSTM(EMBEDDING, UNITS[0], num_layers=len(UNITS), batch_first=True)
        self.head = torch.nn.Linear(UNITS[-1], vocab)


def torch_loop(prompts: list[str]) -> Candidate:
    """PyTorch, eager: the prompt at once, then one step a token."""
    network = TorchNetwork(len(CHARACTERS) + 4).eval()

    @torch.inference_mode()
    def write(tokens: int) -> list[Any]:
        ids = torch.from_numpy(ids_of(prompts).astype(np.int64))
        outputs, states = network.lstm(network.embedding(ids))
        written = []
        for _ in range(tokens):
            probabilities = torch.softmax(network.head(outputs[:, -1]), dim=-1)
            token = torch.multinomial(probabilities, 1)  # (batch, 1)
            written.append(token)
            outputs, states = network.lstm(network.embedding(token), states)
        return written

    return write


def interleaved_medians(candidates: dict[str, Candidate], rounds: int) -> dict[str, float]:
    """Returns the median microseconds a step of each."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for name, candidate in turns(candidates, rounds):
        tokens = TEXTBOOK_TOKENS if name.startswith("textbook") else TOKENS
        candidate(tokens // 10)  # not counted
        begin = time.perf_counter()
        candidate(tokens)
        times[name].append(1e6 * (time.perf_counter() - begin) / tokens)
    return {name: statistics.median(values) for name, values in times.items()}


def weight_count() -> int:
    """Weights that each step reads: those of the recurrent layers and of the head."""
    inputs = (EMBEDDING, *UNITS[:-1])
    recurrent = sum(4 * units * (width + units + 1) for units, width in zip(UNITS, inputs, strict=True))
    return recurrent + (UNITS[-1] + 1) * (len(CHARACTERS) + 4)


def bandwidth(size: int) -> float:
    """Bytes a second of matrix times vector, the matrix of so many bytes: the best of some runs."""
    matrix = np.ones((size // 4 // 1024, 1024), np.float32)
    vector = np.ones(1024, np.float32)
    best = min(_seconds(lambda: matrix @ vector) for _ in range(max(10, 2**28 // size)))
    return matrix.nbytes / best


def product_rate() -> float:
    """Floating-point operations a second of a large matrix product: the best of some runs."""
    a = np.ones((2048, 2048), np.float32)
    return 2 * 2048**3 / min(_seconds(lambda: a @ a) for _ in range(8))


def _seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def floors(batch: int) -> dict[str, float]:
    """Microseconds that a step takes at least."""
    if batch == 1:
        size = 4 * weight_count()
        return {
            "floor: weights from memory": 1e6 * size / bandwidth(2**29),
            "weights from the caches": 1e6 * size / bandwidth(size),
        }
    return {"floor: matrix products": 1e6 * 2 * weight_count() * batch / product_rate()}


def peak_memory(path: str, tokens: int) -> float:
    """MiB at most of a fresh process that writes so many tokens (Linux)."""
    program = (
        "import seqkit_onnx\n"
        f"seqkit_onnx.load({path!r}).generate({PROMPT!r}, max_new_tokens={tokens})\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return int(run.stdout) / 1024


def measure(model: TextGenerator, folder: str, batch: int, rounds: int) -> dict[str, float]:
    """Prints a table for one batch; returns its microseconds a step."""
    prompts = [PROMPT] * batch
    sampler = RandomSampler(banned_tokens=[END_ID])
    one_file = seqkit_onnx.load(f"{folder}/one.onnx")
    arguments = {"max_new_tokens": 200, "seed": 1}
    same = model.generate(prompts, sampler=sampler, **arguments) == one_file.generate(prompts, **arguments)
    candidates: dict[str, Candidate] = {
        "textbook loop, predict on 60": textbook_loop(model, prompts),
        "Keras generate, compiled": lambda tokens: model.generate(prompts, tokens, sampler),
        "step model in a Python loop": step_loop(f"{folder}/step.onnx", prompts),
        "PyTorch, eager step loop": torch_loop(prompts),
        ONE_FILE: lambda tokens: one_file.generate(prompts, tokens),
    }
    microseconds = interleaved_medians(candidates, rounds) | floors(batch)
    ours = microseconds[ONE_FILE]
    print(f"batch {batch}; texts of Keras and of the file are {'the same' if same else 'NOT THE SAME'}")
    print(f"{'':32}{'us a step':>12}{'tokens/s':>12}{'times ours':>13}")
    for name, value in microseconds.items():
        print(f"{name:32}{value:12.1f}{1e6 * batch / value:12,.0f}{value / ours:12.2f}x")
    print(flush=True)
    return microseconds


def draw(found: dict[int, dict[str, float]], path: Path) -> None:
    figure = Figure(figsize=(9, 5), layout="constrained")
    all_axes = figure.subplots(len(found), 1)
    for axes, (batch, microseconds) in zip(all_axes, found.items(), strict=True):
        names = list(microseconds)[::-1]
        colors = ["#009e73" if name == ONE_FILE else "#999999" if "loop" not in name else "#0072b2" for name in names]
        colors = ["#e69f00" if name.startswith("Keras") else color for name, color in zip(names, colors, strict=True)]
        bars = axes.barh(names, [microseconds[name] for name in names], 0.7, color=colors)
        axes.bar_label(bars, [f"{microseconds[name]:,.0f}" for name in names], padding=4)
        axes.set(xscale="log", xlabel="microseconds a step (logarithmic)", title=f"batch {batch}")
        axes.margins(x=0.12)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="turns (default: 15)")
    rounds = parser.parse_args().rounds
    network = f"LSTM {UNITS}, embedding {EMBEDDING}, {len(CHARACTERS)} characters, {weight_count():,} weights"
    print(f"{TOKENS} tokens, {network}")
    print(f"keras {keras.__version__}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}\n")
    model = make_generator()
    with tempfile.TemporaryDirectory() as folder:
        sampler = RandomSampler(banned_tokens=[END_ID])
        seqkit_onnx.export(model, f"{folder}/one.onnx", sampler=sampler)
        seqkit_onnx.export(model, f"{folder}/step.onnx", sampler=sampler, step=True, text=False)
        found = {batch: measure(model, folder, batch, rounds) for batch in (1, 32)}
        for tokens in (100, 1000, 10_000):
            peak = peak_memory(f"{folder}/one.onnx", tokens)
            print(f"a process that writes {tokens:6,} tokens: {peak:.1f} MiB at most")
    draw(found, OUTPUT / "generation.png")
    print(f"picture: {OUTPUT / 'generation.png'}")


if __name__ == "__main__":
    main()
