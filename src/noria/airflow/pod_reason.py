"""Why a pod did not do its step, in one sentence: read from its status and its events. Pure, standard library only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OUT_OF_MEMORY = "OOMKilled"
GONE = "Gone"
NOT_MADE = "NotMade"
ABANDONED = "Abandoned"
MEMORY = 5  # noria's exit code of a step that stopped itself before the kernel did
HOPELESS = ("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError")  # no other try will help
PULLS = ("ErrImagePull", "ImagePullBackOff")
NO_SUCH_IMAGE = ("not found", "manifest unknown", "denied", "unauthorized")
OWN_WORDS = "noria: "  # how a step's last line begins when it says itself what is wrong
DO = {
    OUT_OF_MEMORY: "It is tried again with more where its pool names a larger one; else declare more in its resources.",
    ABANDONED: "Airflow could not follow it any more and ended it; it is tried again.",
    GONE: "Its node was lost, or somebody deleted it; it is tried again.",
    "Evicted": "Its node ran short; it is tried again. Declare what it needs in its resources.",
    "Preempted": "A pod of a higher priority took its place; it is tried again.",
    "Unschedulable": "See that a node has the pool's labels, that its taints are tolerated, that it is large enough.",
    "ImagePullBackOff": "Correct the image in the pools file, or the secret it is pulled with, and export again.",
    "ErrImagePull": "Correct the image in the pools file, or the secret it is pulled with, and export again.",
    "InvalidImageName": "Correct the image in the pools file, and export again.",
    "CreateContainerConfigError": "Make the Secret or ConfigMap that the pools file names, in the pods' namespace.",
    "DeadlineExceeded": "It took longer than it may.",
    "NotStarted": "See its events; give the pool a longer startup_timeout_s if it only needs more time.",
    NOT_MADE: "See that the cluster can be reached, and that Airflow may make pods in the pods' namespace.",
    "Killed": "Something ended it with SIGKILL: its node's own shortage of memory, or a person; it is tried again.",
    "Error": "See the log above.",
}
DISRUPTED = {
    "PreemptionByScheduler": "Preempted",
    "DeletionByTaintManager": GONE,
    "DeletionByPodGC": GONE,
    "EvictionByEvictionAPI": "Evicted",
    "TerminationByKubelet": "Evicted",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """
    word
        Kubernetes' word for it, or ours where it has none.
    text
        What happened, in Kubernetes' words.
    exit_code
        Of the step's process; None if none ran to its end.
    own_words
        What the step itself said last; empty if it said nothing.
    """

    word: str
    text: str
    exit_code: int | None = None
    own_words: str = ""

    @property
    def out_of_memory(self) -> bool:
        return self.word == OUT_OF_MEMORY or self.exit_code == MEMORY

    @property
    def hopeless(self) -> bool:
        """Whether the same would happen again, because a name in the pools file names nothing."""
        said = self.text.lower()
        return self.word in HOPELESS or (self.word in PULLS and any(sign in said for sign in NO_SUCH_IMAGE))

    def sentence(self, pod: str, pool: str) -> str:
        """What, where and what to do; a step that explained itself is quoted."""
        if self.own_words:
            return self.own_words
        what = f"{self.word}: {self.text}" if self.text else self.word
        return f"{what.rstrip('.')} (pod {pod}, pool {pool}). {DO.get(self.word, 'See the events of the pod.')}"


def of(pod: Mapping[str, Any] | None, events: Sequence[Mapping[str, Any]]) -> Reason | None:
    """The reason, from a pod as the API answers it (None: there is none any more); None if it did well.

    The events are used where the status does not tell.
    """
    if pod is None:
        return Reason(GONE, _last_warning(events) or "the pod is gone")
    if (pod.get("status") or {}).get("phase") == "Succeeded":
        return None
    return next(filter(None, (rule(pod, events) for rule in RULES)))


def without_pod(error: Exception, body: str | bytes | None) -> Reason:
    """The reason where no pod was made: what the API answered, or that it did not."""
    try:
        answer = json.loads(body or "")
    except ValueError:
        answer = {}
    if isinstance(answer, Mapping) and answer.get("message"):
        return Reason(NOT_MADE, str(answer["message"]))
    return Reason(NOT_MADE, f"{type(error).__name__}: {error}".splitlines()[0][:300])


def _from_outside(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason | None:
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if (condition.get("type"), condition.get("status")) == ("DisruptionTarget", "True"):
            word = DISRUPTED.get(condition.get("reason", ""), "Evicted")
            return Reason(status.get("reason") or word, condition.get("message") or status.get("message") or "")
    if status.get("reason") and status.get("phase") == "Failed":
        return Reason(status["reason"], status.get("message") or "")
    return None


def _ended(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason | None:
    for state in _states(pod):
        ended = state.get("terminated")
        if not ended or ended.get("exitCode") == 0:
            continue
        code = ended.get("exitCode")
        if ended.get("reason") == OUT_OF_MEMORY:
            limit = _limit(pod)
            return Reason(OUT_OF_MEMORY, f"it took more than its {limit} of memory" if limit else "", code)
        if code == 137:
            return Reason("Killed", "exit code 137", code)
        own_words = _own_words(ended.get("message") or "")
        return Reason(ended.get("reason") or "Error", f"exit code {code}", code, own_words)
    return None


def _waits(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason | None:
    for state in _states(pod):
        waiting = state.get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return Reason(waiting["reason"], waiting.get("message") or "")
    return None


def _nowhere(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason | None:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if (condition.get("type"), condition.get("status")) == ("PodScheduled", "False"):
            return Reason(condition.get("reason") or "Unschedulable", condition.get("message") or "")
    return None


def _still_runs(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason | None:
    if (pod.get("status") or {}).get("phase") == "Running":
        return Reason(ABANDONED, _last_warning(events) or "the pod was running")
    return None


def _not_started(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Reason:
    return Reason("NotStarted", _last_warning(events) or "the pod did not start in time")


RULES = (_from_outside, _ended, _waits, _nowhere, _still_runs, _not_started)


def _states(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield one.get("state") or {}


def _limit(pod: Mapping[str, Any]) -> str:
    [container, *_] = (pod.get("spec") or {}).get("containers") or [{}]
    return str(((container.get("resources") or {}).get("limits") or {}).get("memory") or "")


def _own_words(message: str) -> str:
    """The last line that a step said about itself; a container's last words are the end of its log."""
    for line in reversed(message.splitlines()):
        if line.startswith(OWN_WORDS):
            return line.removeprefix(OWN_WORDS)
    return ""


def _last_warning(events: Sequence[Mapping[str, Any]]) -> str:
    warnings = [one for one in events if one.get("type") == "Warning"]
    warnings.sort(key=lambda one: str(one.get("lastTimestamp") or one.get("eventTime") or ""))
    return f"{warnings[-1].get('reason')}: {warnings[-1].get('message')}" if warnings else ""
