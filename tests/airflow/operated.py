"""Run by Airflow's own interpreter: what the operator makes of each end of a command, as JSON."""

import json
import sys
from datetime import timedelta

from noria.airflow import outcome
from noria.airflow.step import StepOperator


class Instance:
    """As much of a task instance as the operator needs."""

    def __init__(self, before):  # type: ignore[no-untyped-def]
        self.before, self.pushed = before, {}

    def xcom_pull(self, task_ids):  # type: ignore[no-untyped-def]
        return self.before

    def xcom_push(self, key, value):  # type: ignore[no-untyped-def]
        self.pushed[key] = value


def ended(code, before=None, **options):  # type: ignore[no-untyped-def]
    """The operator's result or error, and what the retry policy says of the error."""
    end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    script = f"import os, sys; print('noria: it is so.', flush=True); {end}"
    instance = Instance(before)
    operator = StepOperator(task_id="t", command=[sys.executable, "-c", script], **options)
    try:
        return {"result": operator.execute({"ti": instance})}
    except Exception as error:
        decided = outcome.RETRIES.evaluate(error, 1, 3)
        delay = decided.retry_delay or timedelta(0)
        return {
            "error": type(error).__name__, "said": str(error), "retry": decided.action.value,
            "after": delay.total_seconds(), "pushed": instance.pushed,
        }  # fmt: skip


if __name__ == "__main__":
    found = {str(code): ended(code) for code in (0, 1, 2, 3, 4, 5, 6, 7, -9)}
    found["3 skips"] = ended(3, gates="skip")
    found["5 hands on"] = ended(5, hands_on=True)
    found["takes over"] = ended(0, {"code": 5, "said": ""}, takes_over="train")
    found["was done"] = ended(1, {"code": 0, "said": "train done"}, takes_over="train")
    found["no such command"] = {}
    try:
        StepOperator(task_id="t", command=["/nowhere/noria"]).execute({"ti": Instance(None)})
    except outcome.DataError as error:
        found["no such command"] = {"said": str(error)}
    print(json.dumps(found))
