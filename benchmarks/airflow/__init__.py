"""The wheel on Airflow with Celery: what a step costs there, a whole turn, tuning on two workers, and after a kill."""

from benchmarks.airflow import recovery, steps, turn

BENCHMARKS = (steps.lines, turn.lines, recovery.lines)
