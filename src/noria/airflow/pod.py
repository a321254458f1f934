"""A step as a pod on a node of its pool."""

from collections.abc import Sequence
from typing import Any

from noria.airflow.exported import Exported
from noria.plan import Step


def pod_operator(step: Step, exported: Exported, command: Sequence[str], *, parts: int = 0, **common: Any) -> Any:
    """The pod of a step; the parameters are those of ``placement.operator``."""
    raise ValueError("this noria cannot place steps on Kubernetes yet: export with --executor local or celery")
