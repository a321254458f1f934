"""The wheel on Airflow: what DAGs and, with Celery, a step cost there, a whole turn, tuning on two workers, a kill."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "tests"))  # the stack that the tests use too

from benchmarks.airflow import parse, recovery, steps, tuning, turn

BENCHMARKS = (parse.lines, steps.lines, turn.lines, tuning.lines, recovery.lines)
