"""All habits, in the order of the page."""

from tests.habits import callbacks, compiling, containers, fitting, processes, saving
from tests.habits.cases import CASES
from tests.habits.table import HABITS, answers_on, page, tried

SECTIONS = [
    containers.COLUMNS,
    containers.STREAMS,
    containers.CALLS,
    fitting.FITTING,
    compiling.COMPILING,
    compiling.PRECISION,
    callbacks.CALLBACKS,
    saving.SAVING,
    processes.AROUND,
]

__all__ = ["CASES", "HABITS", "SECTIONS", "answers_on", "page", "tried"]
