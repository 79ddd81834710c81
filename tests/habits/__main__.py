"""Writes docs/habits.md: `python -m tests.habits`; names of habits or models after it try only these."""

import os
import sys
import time
import traceback
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "habits.md"


def main(chosen: list[str]) -> int:
    """Tries all habits on all models; returns 1 where one has no answer."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from tests.habits.all_habits import CASES, HABITS, SECTIONS, answers_on, page, tried

    answers, failed = {}, 0
    models = [name for name in chosen if name in {case.name for case in CASES}]
    habits = [name for name in chosen if name not in models]
    for each in HABITS:
        for case in CASES:
            if (habits and each.key not in habits) or (models and case.name not in models):
                continue
            start = time.process_time()
            try:
                answers[each.key, case.name] = tried(each, case)
            except Exception:  # noqa: BLE001 - all that went wrong is to be seen at once
                failed += 1
                print(f"FAILED {each.key} {case.name}\n{traceback.format_exc()}", flush=True)
                continue
            seconds = time.process_time() - start
            print(f"{seconds:6.2f} {each.key:32} {case.name:18} {answers[each.key, case.name]}", flush=True)
    names = [case.name for case in CASES]
    known = answers_on(PAGE.read_text(encoding="utf-8"), names) if chosen else {}
    answers = {**known, **answers}
    if not failed:
        PAGE.write_text(page(SECTIONS, names, answers), encoding="utf-8")
    print(f"{len(answers)} answers on the page, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
