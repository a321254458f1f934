"""The operator that does one step in a pod. Importing it imports Airflow's Kubernetes provider: 0.7 s."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from noria.airflow import outcome, pod_reason
from noria.airflow.exported import Exported, run_id
from noria.airflow.links import ReportLink, RunLink
from noria.airflow.pod_manifest import Work, manifest
from noria.plan import Resources, Step
from noria.pools import file
from noria.pools.pool import Pods, Pool, Pools

TIMES = "noria_out_of_memory"  # in the task's state, which lives from try to try: how often it ran out of memory
RECORD_S = 120  # for putting a reason on noria's record
JUDGED = (AirflowFailException, AirflowSkipException, outcome.DataError, outcome.StepFailed)
NO_FAILURE = (outcome.STOPPED, outcome.LOST, outcome.NOTHING, outcome.WAITING)
LOST = (pod_reason.GONE, pod_reason.ABANDONED, "Evicted", "Preempted", "Killed")


class PodOperator(KubernetesPodOperator):
    """Does a noria command in a pod of a pool; what became of the pod decides whether the task is done or tried again.

    A step that ran out of memory is tried again in its pool's larger one, with more memory. Why a pod failed is in the
    task's message and, where the step could not say it itself, in noria's own record of the step.

    Parameters
    ----------
    command
        The words after how noria is called, templates among them.
    lifecycle, noria_step
        What they are about.
    asked
        What the step asks for, ``Resources`` as plain data.
    pools
        ``noria.pools.pool.Pools`` as plain data.
    recorder
        How noria is called on the worker that waits for the pod, to put a reason on record.
    recorder_folder, recorder_environment
        Its working directory, and what is added to its environment.
    gates
        ``fail`` or ``skip``.
    pages
        Address of ``noria ui``; empty: no links.
    """

    template_fields: Sequence[str] = ("command", *KubernetesPodOperator.template_fields)
    operator_extra_links = (RunLink(), ReportLink())
    ui_color = "#e3ecfa"

    def __init__(
        self,
        *,
        command: Sequence[str],
        lifecycle: str,
        noria_step: str,
        asked: Mapping[str, Any],
        pools: Mapping[str, Any],
        recorder: Sequence[str] = (),
        recorder_folder: str | None = None,
        recorder_environment: Mapping[str, str] | None = None,
        gates: str = "fail",
        pages: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.lifecycle = lifecycle
        self.noria_step = noria_step
        self.asked = asked
        self.pools = pools
        self.recorder = recorder
        self.recorder_folder = recorder_folder
        self.recorder_environment = recorder_environment or {}
        self.gates = gates
        self.pages = pages
        self._looked_at = ""  # the pod's name, once it was seen how it ended
        self._seen: pod_reason.Reason | None = None
        self._result: dict[str, Any] | None = None

    def execute(self, context: Any) -> Any:
        """Start the pod and wait for its end, or leave the waiting to the triggerer.

        Raises
        ------
        AirflowException
            Of the kind that the end of the pod stands for: ``noria.airflow.outcome``.
        """
        return self._judged(context, super().execute, context)

    def build_pod_request_obj(self, context: Any = None, *, dry_run: bool = False) -> Any:
        """The pod of this try; without a context, as ``dry_run`` shows it, that of the first one."""
        pods, pool, asked = self._place(context or {})
        run = run_id(self.lifecycle, context["ti"].dag_id, context["run_id"]) if context else ""
        work = Work(self.lifecycle, run, self.noria_step, self._words(asked))
        self.pod_template_dict = manifest(work, pods, pool, asked)
        self.schedule_timeout_seconds = pool.schedule_timeout_s
        self.startup_timeout_seconds = pool.startup_timeout_s
        return super().build_pod_request_obj(context, dry_run=dry_run)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Go on after the triggerer has seen the end of the pod; raises as ``execute`` does."""
        return self._judged(context, super().trigger_reentry, context, event)

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Read what became of the pod, which is removed then."""
        if self.pod is not None and not self._killed:
            self._look(pod.metadata.name, pod.metadata.namespace)
        super().cleanup(pod, remote_pod, xcom_result, context)

    def on_kill(self) -> None:
        """Airflow ends the task: its pod is ended, and noria knows that nobody works at the step any more."""
        super().on_kill()
        if self.pod is not None:
            self._record("Airflow ended the task", self.pod.metadata.name)

    def noria_page(self, ti_key: Any) -> str:
        """The page of the noria run in ``noria ui``."""
        if not self.pages:
            return ""
        return f"{self.pages.rstrip('/')}/run/{run_id(ti_key.dag_id, ti_key.dag_id, ti_key.run_id)}"

    def _judged(self, context: Any, act: Callable[..., Any], *given: Any) -> dict[str, Any]:
        """What an ended pod means; ``execute`` may end in ``trigger_reentry``, which is judged once."""
        try:
            act(*given)
        except JUDGED:
            raise
        except Exception as error:
            if self._killed:
                raise
            reason = self._reason(error, *given[1:])
            if reason is None:  # the step is done, and only Airflow's own work on its pod failed
                self.log.warning("The pod succeeded. What went wrong after that: %s", error)
            else:
                self._result = self._failed(context, reason)
        result = self._result = self._result or outcome.judge(outcome.DONE, "", self.gates)
        context["ti"].xcom_push("return_value", result)  # by this task, as other tasks do; pods pass nothing on here
        return result

    def _reason(self, error: Exception, event: Mapping[str, Any] | None = None) -> pod_reason.Reason | None:
        """Why, from what was seen of the pod before it was removed; where there was none, from the error."""
        if event is not None and not self._looked_at:
            self._look(event["name"], event["namespace"])
        return self._seen if self._looked_at else pod_reason.without_pod(error, getattr(error, "body", None))

    def _look(self, name: str, namespace: str) -> None:
        clean = self.client.api_client.sanitize_for_serialization
        try:
            pod = clean(self.client.read_namespaced_pod(name, namespace))
        except ApiException as error:
            if error.status != 404:
                self.log.warning("The pod's status cannot be read: %s", error.reason)
                return
            pod = None
        except HTTPError as error:
            self.log.warning("The pod's status cannot be read: %s", error)
            return
        self._looked_at, self._seen = name, pod_reason.of(pod, clean(self._events(name, namespace)))

    def _events(self, name: str, namespace: str) -> list[Any]:
        try:
            found = self.client.list_namespaced_event(namespace, field_selector=f"involvedObject.name={name}")
        except (ApiException, HTTPError) as error:
            self.log.warning("The pod's events cannot be read: %s", error)
            return []
        return list(found.items)

    def _failed(self, context: Any, reason: pod_reason.Reason) -> dict[str, Any]:
        """Say and record why; raises what it stands for, or returns what a step leaves that waits for a person."""
        _, pool, _ = self._place(context)
        name = self._looked_at or (self.pod.metadata.name if self.pod is not None else "not made")
        sentence = reason.sentence(name, pool.name)
        if reason.out_of_memory:
            self._remember_memory(context)
        if reason.exit_code not in NO_FAILURE:  # a step that put its own reason on record keeps that
            self._record(sentence, name)
        if reason.hopeless or (reason.out_of_memory and not pool.larger):
            raise outcome.DataError(sentence)
        if reason.out_of_memory:
            raise outcome.StepOutOfMemory(sentence)
        if reason.word in LOST:
            raise outcome.StepLost(sentence)
        return outcome.judge(outcome.FAILED if reason.exit_code is None else reason.exit_code, sentence, self.gates)

    def _place(self, context: Any) -> tuple[Pods, Pool, Resources]:
        """Where this try goes, and what it asks for there."""
        pools, asked = file.from_plain(self.pools), Resources(**self.asked)
        assert pools.pods is not None  # a rule of the pools file
        state = context.get("task_state_store")
        times = int(state.get(TIMES, 0)) if state is not None else 0
        return pools.pods, *pools.after_memory(pools.choose(self.noria_step, asked), asked, times)

    def _remember_memory(self, context: Any) -> None:
        state = context.get("task_state_store")
        if state is not None:
            state.set(TIMES, int(state.get(TIMES, 0)) + 1)

    def _words(self, asked: Resources) -> list[str]:
        """The command; in a larger pool it may take more memory than the plan says."""
        words = list(self.command)
        if words[0] == "step" and asked.memory_mb != self.asked["memory_mb"]:
            words += ["--memory-mb", str(asked.memory_mb)]
        return words

    def _record(self, sentence: str, pod: str) -> None:
        """Put on noria's record why a step ended; noria runs here, where the waiting is done."""
        if self.command[0] != "step" or not self.recorder:
            return
        words = [*self.recorder, *self.command, "--ended", sentence, "--host", pod]
        environment = {**os.environ, **self.recorder_environment}
        try:
            done = subprocess.run(
                words,
                cwd=self.recorder_folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=RECORD_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.log.warning("The reason is not on noria's record: %s", error)
            return
        if done.returncode:
            self.log.warning("The reason is not on noria's record: %s", done.stderr.strip() or done.stdout.strip())


def pod_operator(step: Step, exported: Exported, command: Sequence[str], *, parts: int = 0, **common: Any) -> Any:
    """The task that does a step, or a command that goes with it, in a pod; see ``noria.airflow.placement.operator``."""
    pools: Pools = file.from_plain(exported.pools)
    assert pools.pods is not None  # a rule of the pools file
    pod, pool = pools.pods, pools.choose(step.name, step.resources)
    given: dict[str, Any] = {
        "lifecycle": exported.plan.lifecycle,
        "noria_step": step.name,
        "asked": {"cpu": step.resources.cpu, "memory_mb": step.resources.memory_mb, "gpu": step.resources.gpu,
                  "pool": step.resources.pool},
        "pools": pools.to_plain(),
        "recorder": list(exported.command),
        "recorder_folder": exported.folder,
        "recorder_environment": dict(exported.environment),
        "gates": exported.gates,
        "pages": exported.pages,
        **arguments(step, pod, pool),
        **common,
    }  # fmt: skip
    if parts:
        commands = [[*command, "--shard", str(index)] for index in range(1, parts + 1)]
        return PodOperator.partial(max_active_tis_per_dagrun=exported.at_once, **given).expand(command=commands)
    return PodOperator(command=list(command), **given)


def arguments(step: Step, pods: Pods, pool: Pool) -> dict[str, Any]:
    """What the operator is told beside the manifest."""
    return {
        "name": f"{step.name}-{pool.name}"[:40],
        "namespace": pods.namespace,
        "kubernetes_conn_id": pods.connection,
        "schedule_timeout_seconds": pool.schedule_timeout_s,
        "startup_timeout_seconds": pool.startup_timeout_s,
        "startup_check_interval_seconds": max(1, round(pods.poll_s)),
        "base_container_status_polling_interval": pods.poll_s,
        "poll_interval": pods.poll_s,
        "logging_interval": pods.log_s if pods.deferrable else None,
        "deferrable": pods.deferrable,
        "termination_grace_period": pods.grace_s,
        "termination_message_policy": "FallbackToLogsOnError",  # over the operator's own default
        "do_xcom_push": False,  # what a step leaves is in the stores
        "on_finish_action": "delete_pod",
        "container_name_log_prefix_enabled": False,
    }
