"""Compares what Keras, exported files and NumPy write: `python -m tests.fuzzing_generators --cases 1000`.

Each case is a prompt, a seed and settings; the cases are shared out among all samplers, and among generators with
random weights. Where a text differs, it is a tie if a choice lay, in NumPy's float64, within 1e-5 of another one, and
else a failure. With `from tests.fuzzing_generators.random_cases import *`, `random_writer(name, number)`
makes a writer again.
"""

import argparse
import os
import sys
import time

CASES_OF_A_WRITER = 25


def main() -> int:
    """Runs the comparison; returns 1 where a text differs and no tie explains it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="how many (prompt, seed, setting)")
    parser.add_argument("--seed", type=int, help="the same one draws the same cases; without: a new one")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    seed = int(time.time()) % 100_000 if arguments.seed is None else arguments.seed
    import gc

    import keras

    from keras_seqkit.samplers import SAMPLERS
    from tests.fuzzing_generators.random_cases import differences, exported, random_cases, random_writer

    done, texts, found = 0, 0, []
    while done < arguments.cases:
        name = list(SAMPLERS)[done // CASES_OF_A_WRITER % len(SAMPLERS)]
        number = seed + done
        writer = random_writer(name, number)
        file = exported(writer)
        for case in random_cases(writer, min(CASES_OF_A_WRITER, arguments.cases - done), number):
            texts += len(case.prompts)
            for difference in differences(writer, file, case):
                found.append(difference)
                print(f"\n{'tie' if difference.is_tie else 'DIFFERENT'} (writer {name} {number}): {difference}")
        done += CASES_OF_A_WRITER
        print(f"{min(done, arguments.cases)}/{arguments.cases} cases", end="\r", file=sys.stderr, flush=True)
        del writer, file
        keras.utils.clear_session()
        gc.collect()
    ties = sum(difference.is_tie for difference in found)
    print(f"\nseed {seed}: {texts} cases, {len(SAMPLERS)} samplers")
    print(f"{texts - len(found):8}  equal\n{ties:8}  ties\n{len(found) - ties:8}  different")
    return int(len(found) > ties)


if __name__ == "__main__":
    sys.exit(main())
