"""The operator that runs one noria command on the worker's machine."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from noria.airflow import outcome
from noria.airflow.exported import run_id
from noria.airflow.links import ReportLink, RunLink
from noria.airflow.process import Child, Orphaned


class StepOperator(BaseOperator):
    """Runs a noria command; its exit code decides whether the task is done, skipped, failed or tried again.

    Parameters
    ----------
    command
        All words, templates among them.
    folder, environment
        Working directory, and what is added to the environment.
    gates
        ``fail`` or ``skip``.
    pages
        Address of ``noria ui``; empty: no links.
    noria_step
        The step's word: where the reports are on the run's page.
    hands_on
        A step that is out of memory is no failure of this task: another one does it in the larger pool.
    takes_over
        The task whose step this one does if it was out of memory there; empty: this one's step is its own.
    """

    template_fields: Sequence[str] = ("command",)
    operator_extra_links = (RunLink(), ReportLink())
    ui_color = "#e8f1f5"

    def __init__(
        self,
        *,
        command: Sequence[str],
        folder: str | None = None,
        environment: Mapping[str, str] | None = None,
        gates: str = "fail",
        pages: str = "",
        noria_step: str = "",
        hands_on: bool = False,
        takes_over: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.folder = folder
        self.environment = environment or {}
        self.gates = gates
        self.pages = pages
        self.noria_step = noria_step
        self.hands_on = hands_on
        self.takes_over = takes_over
        self._child: Child | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the command to its end, unless the task that this one stands behind has done it.

        Raises
        ------
        AirflowException
            Of the kind that its exit code stands for: ``noria.airflow.outcome``.
        """
        if self.takes_over:
            before = context["ti"].xcom_pull(task_ids=self.takes_over) or {}
            if before.get("code") != outcome.MEMORY:
                return dict(before)
        code, said = self._followed()
        if code == outcome.MEMORY and self.hands_on:
            context["ti"].xcom_push(key="return_value", value={"code": code, "said": said})
            raise AirflowSkipException(f"{said} The step goes on in the larger pool.")
        return outcome.judge(code, said, self.gates)

    def _followed(self) -> tuple[int, str]:
        try:
            self._child = Child(self.command, self.folder, self.environment)
            return self._child.follow(self.log.info)
        except Orphaned as error:
            raise outcome.StepLost(str(error)) from error
        except OSError as error:
            raise outcome.DataError(f"{self.command[0]} cannot be started here: {error}") from error

    def on_kill(self) -> None:
        """Airflow ends the task: the command and all it started end with it."""
        if self._child is not None:
            self._child.end()

    def noria_page(self, ti_key: Any) -> str:
        """The page of the noria run in ``noria ui``."""
        if not self.pages:
            return ""
        return f"{self.pages.rstrip('/')}/run/{run_id(ti_key.dag_id, ti_key.dag_id, ti_key.run_id)}"
