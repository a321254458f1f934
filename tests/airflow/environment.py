"""Airflow in an environment of its own, beside the tests' one: built once, by whoever asks first."""

import os
from pathlib import Path

from noria.airflow.stack import environment

ROOT = Path(__file__).parent.parent.parent
PREPARED = "TEST_AIRFLOW_ENVIRONMENT"  # a folder where it is built already


def python() -> Path:
    """The interpreter that has Airflow, and noria without its libraries."""
    prepared = os.environ.get(PREPARED)
    if prepared:
        return Path(prepared) / "bin" / "python"
    return environment.build(ROOT / ".venv-airflow")


if __name__ == "__main__":
    print(python())
