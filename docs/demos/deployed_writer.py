"""What a server needs: NumPy, onnxruntime and one file. Writes texts.

    python docs/demos/deployed_writer.py demo-output/sheldon.onnx --prompt "You know" --temperature 0.5

All else is blocked, to show that it is not needed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

from deployed import BLOCKED, Blocker

TIMED_TEXTS = 50


class Order(NamedTuple):
    """What is to be written.

    Args:
        prompt: what each text begins with.
        count: how many texts at each temperature.
        temperatures: how freely the texts are written.
        max_new_tokens: where a text stops that does not end before.
        seed: of the random numbers.
    """

    prompt: str
    count: int
    temperatures: list[float]
    max_new_tokens: int
    seed: int


class Answer(NamedTuple):
    """What was written.

    Args:
        texts: a list of texts for each temperature.
        milliseconds: for a token, where one text is written at a time; the median over texts.
    """

    texts: list[list[str]]
    milliseconds: float


def fulfil(generate: Callable[..., Any], order: Order) -> Answer:
    """Writes texts, with Keras's `generate` or with that of an exported file."""
    prompts = [order.prompt] * order.count
    texts = [
        generate(prompts, max_new_tokens=order.max_new_tokens, temperature=temperature, seed=order.seed)
        for temperature in order.temperatures
    ]
    return Answer(texts, _milliseconds_a_token(generate, order))


def _milliseconds_a_token(generate: Callable[..., Any], order: Order) -> float:
    times = []
    for seed in range(-1, TIMED_TEXTS):  # the first one warms up: Keras compiles for one text
        begin = time.perf_counter()
        [text] = generate(order.prompt, max_new_tokens=order.max_new_tokens, seed=seed, strip_prompt=True)
        taken = time.perf_counter() - begin
        if seed >= 0:
            times.append(1e3 * taken / min(len(text) + 1, order.max_new_tokens))  # a token is a character, or [END]
    return median(times)


def main() -> None:
    sys.meta_path.insert(0, Blocker())
    import numpy
    import onnxruntime
    import seqkit_onnx

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="what seqkit_onnx.export wrote of a TextGenerator")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.5])
    parser.add_argument("--max-new-tokens", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="for programs: texts and times as one line of JSON")
    options = parser.parse_args()
    order = Order(options.prompt, options.count, options.temperature, options.max_new_tokens, options.seed)
    answer = fulfil(seqkit_onnx.load(options.path, ["CPUExecutionProvider"]).generate, order)
    versions = f"numpy {numpy.__version__}, onnxruntime {onnxruntime.__version__}; blocked: {', '.join(BLOCKED)}"
    if options.json:
        print(json.dumps({**answer._asdict(), "versions": versions}))
        return
    for temperature, texts in zip(order.temperatures, answer.texts, strict=True):
        print(f"temperature {temperature}")
        for text in texts:
            print(f"- {text}")
    print(f"({versions})")


if __name__ == "__main__":
    main()
