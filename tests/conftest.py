"""What every test stands on: quiet TensorFlow, and Hypothesis that tells the same story on every run."""

import gc
import os
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # as many workers as cores
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

from hypothesis import HealthCheck, settings

collect_ignore = ["compatibility/check_openvino.py"]  # a program for an environment of its own

settings.register_profile(
    "suite",
    deadline=None,  # these machines are shared: time says nothing about the code
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", parent=settings.get_profile("suite"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


WHOLE = os.environ.get("WALK") == "whole"


def pytest_collection_modifyitems(config, items):
    """Leaves out rows of long tables, where `make test-whole` does not ask for all: one of every so many is tried."""
    seen: Counter[str] = Counter()
    kept, left = [], []
    for item in items:
        mark = item.get_closest_marker("walk")
        name = item.nodeid.partition("[")[0]
        if mark is None or WHOLE or seen[name] % mark.kwargs["every"] == 0:
            kept.append(item)
        else:
            left.append(item)
        seen[name] += 1
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def pytest_collection_finish():
    """Keeps what the imports made out of later garbage collections: each `clear_session` runs one, of 0.2 s."""
    gc.freeze()
