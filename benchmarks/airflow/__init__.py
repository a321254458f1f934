"""The wheel on Airflow: what DAGs and, with Celery, a step cost there, a whole turn, tuning on two workers, a kill."""

from benchmarks.airflow import parse, recovery, steps, turn

BENCHMARKS = (parse.lines, steps.lines, turn.lines, recovery.lines)
