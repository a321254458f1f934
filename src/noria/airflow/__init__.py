"""noria on Apache Airflow: ``noria.airflow.dag(plan)`` in a DAG file. Standard library, Airflow and the plan only."""

from typing import Any

_HOME = {
    "dag": "noria.airflow.dags",
    "sweep": "noria.airflow.dags",
    "get_provider_info": "noria.airflow.provider",
}
__all__ = ["dag", "get_provider_info", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'noria.airflow' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value
