"""What a server needs: NumPy, onnxruntime and one file. Translates the sentences that come in, one a line.

    python docs/demos/deployed_translator.py demo-output/software.onnx --beams 4 < sentences.txt

All else is blocked, to show that it is not needed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

from deployed import BLOCKED, Blocker

TIMED_TEXTS = 50


class Answer(NamedTuple):
    """Translations by one width of beam.

    Args:
        translations: of each text.
        scores: of each translation, as the search ranks it.
        milliseconds: for a text, where one is translated at a time; the median over some texts.
    """

    translations: list[str]
    scores: list[float]
    milliseconds: float


def answer(translate: Callable[..., Any], texts: Sequence[str], beams: int) -> Answer:
    """Translates texts, with Keras's `translate` or with that of an exported file."""
    translations, scores = translate(list(texts), num_beams=beams, return_scores=True)
    times = []
    for text in texts[:TIMED_TEXTS]:
        translate(text, num_beams=beams)  # the first time, Keras compiles
        begin = time.perf_counter()
        translate(text, num_beams=beams)
        times.append(1e3 * (time.perf_counter() - begin))
    return Answer(translations, [float(score) for score in scores], median(times) if times else 0.0)


def main() -> None:
    sys.meta_path.insert(0, Blocker())
    import numpy
    import onnxruntime
    import seqkit_onnx

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="what seqkit_onnx.export wrote of a Seq2SeqTranslator")
    parser.add_argument("--beams", type=int, nargs="+", default=[1], help="how many translations are kept at each step")
    parser.add_argument("--json", action="store_true", help="for programs: all answers as one line of JSON")
    options = parser.parse_args()
    texts = [line.rstrip("\n") for line in sys.stdin]
    texts[:1] = [text.removeprefix("\ufeff") for text in texts[:1]]  # a byte order mark
    translator = seqkit_onnx.load(options.path, ["CPUExecutionProvider"])
    versions = f"numpy {numpy.__version__}, onnxruntime {onnxruntime.__version__}; blocked: {', '.join(BLOCKED)}"
    if options.json:
        answers = [answer(translator.translate, texts, beams)._asdict() for beams in options.beams]
        print(json.dumps({"answers": answers, "versions": versions}))
        return
    for beams in options.beams:
        for translation in translator.translate(texts, num_beams=beams):
            print(translation)
    print(f"({versions})", file=sys.stderr)


if __name__ == "__main__":
    main()
