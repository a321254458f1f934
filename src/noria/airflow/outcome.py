"""What an exit code of noria means to Airflow: go on, skip, fail at once, or try again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

DONE, FAILED, MISTAKE, STOPPED, LOST, MEMORY, NOTHING, WAITING = range(8)  # noria's exit codes: noria/cli/main.py
KILLED = (-9, 137)  # by the system or by a person; a bound on memory ends a process in this way too
SOON, LATER = timedelta(seconds=2), timedelta(seconds=30)


class StepFailed(AirflowException):
    """The surroundings failed: disk, database, network. Another try may help."""


class StepLost(StepFailed):
    """Another process has the step, or the one that had it was killed."""


class StepOutOfMemory(StepFailed):
    """The step needs more memory than it was given."""


class DataError(AirflowException):
    """Data, code or configuration cannot be used: no other try will help."""


RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(DataError, RetryAction.FAIL, reason="the same data would fail again"),
        RetryRule(StepOutOfMemory, RetryAction.RETRY, SOON, reason="out of memory: once more, in the larger pool"),
        RetryRule(StepLost, RetryAction.RETRY, SOON, reason="its process was lost"),
        RetryRule(StepFailed, RetryAction.RETRY, LATER, reason="the surroundings failed"),
    ]
)
ERRORS: Mapping[int, type[AirflowException]] = {
    MISTAKE: DataError,
    LOST: StepLost,
    MEMORY: StepOutOfMemory,
    **dict.fromkeys(KILLED, StepLost),
}


def judge(code: int, said: str, gates: str) -> dict[str, Any]:
    """What a finished command leaves in Airflow: ``{"code", "said"}`` for the tasks after it.

    Parameters
    ----------
    code
        The exit code; negative: the signal that ended it.
    said
        Its last sentence: what is shown of a failed or skipped task.
    gates
        ``fail`` or ``skip``: what a gate that does not hold makes of the task.

    Raises
    ------
    AirflowSkipException
        If there is nothing to do, or a gate does not hold and gates skip.
    AirflowFailException
        If a gate does not hold and gates fail.
    DataError, StepOutOfMemory, StepLost, StepFailed
        If it failed: ``RETRIES`` knows which of them are tried again.
    """
    if code in (DONE, WAITING):
        return {"code": code, "said": said}
    if code == NOTHING:
        raise AirflowSkipException(said)
    if code == STOPPED:
        raise (AirflowSkipException if gates == "skip" else AirflowFailException)(said)
    raise ERRORS.get(code, StepFailed)(said)
