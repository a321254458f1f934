"""The human step: a person decides in Airflow's page, and noria puts on record who and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from noria.airflow import placement
from noria.airflow.exported import Exported
from noria.airflow.outcome import WAITING
from noria.plan import Step


class Approval(ApprovalOperator):
    """Asks only if the release waits; both answers go to the next task, which hands them to noria."""

    def __init__(self, *, asks: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asks = asks

    def execute(self, context: Any) -> None:
        """Ask; skipped if the gates have decided, or a person did before."""
        found = context["ti"].xcom_pull(task_ids=self.asks) or {}
        if found.get("code") != WAITING:
            raise AirflowSkipException("nobody has to decide: the release is decided already")
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """The answer, for ``noria airflow decide``: rejecting must reach noria's record before tasks are skipped."""
        answer = HITLOperator.execute_complete(self, context, event)
        user = answer["responded_by_user"] or {}
        return {
            "approved": answer["chosen_options"] == [self.APPROVE],
            "who": user.get("name") or user.get("id") or "",
            "why": str(answer["params_input"].get("reason") or ""),
        }


def approval(release: Any, step: Step, exported: Exported) -> Any:
    """The two tasks after ``release``: a person decides, noria records. Returns the second."""
    hours = exported.approval_hours
    asked = Approval(
        task_id="approval",
        asks=release.task_id,
        subject=f"{exported.plan.lifecycle}: may the candidate become the next version?",
        body="{{ (ti.xcom_pull(task_ids='" + release.task_id + "') or {}).get('said', '') }}",
        params={"reason": Param("", type="string", title="Why", description="Goes on record with your name.")},
        defaults=ApprovalOperator.REJECT if hours else None,
        response_timeout=timedelta(hours=hours) if hours else None,
        assigned_users=[{"id": name, "name": name} for name in exported.reviewers] or None,
        doc_md="A person decides about the candidate; skipped if the gates have decided, or a person did before.",
    )
    words = ["airflow", "decide", "{{ noria_run(dag.dag_id, run_id) }}"]
    words += ["--answer", "{{ ti.xcom_pull(task_ids='approval') | tojson }}"]
    decided = placement.operator(
        step,
        replace(exported, gates="skip"),  # a no is no failure
        words,
        task_id="decision",
        trigger_rule="none_failed",
        doc_md="Puts the answer on record, with who and why; skipped, with all that follows, if it was no.",
    )
    release >> asked >> decided
    return decided
