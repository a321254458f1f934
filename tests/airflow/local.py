"""A real Airflow with the local executor for tests: the stack of ``noria airflow up`` in a project's home."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow.environment import python
from airflow.rest import Api
from noria.airflow.stack import control, ports
from noria.airflow.stack.choice import Choice, Folder


@contextmanager
def stack(project: Path, slots: int, variables: Mapping[str, str] | None = None) -> Iterator[Api]:
    """Its API, while a test needs it; ``variables`` are the NORIA_* of whoever starts it."""
    folder, wanted = Folder(project / ".noria" / "airflow"), Choice("local", slots=slots, port=ports.another())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORIA_AIRFLOW_ENVIRONMENT", str(python().parent.parent))
        try:
            found = control.up(folder, wanted, project=project, variables=variables or {}, say=print)
            yield Api.of(project / ".noria", found.stack.url)
        finally:
            control.down(folder, print)
