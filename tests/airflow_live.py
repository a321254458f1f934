"""A real Airflow for tests: the stack of ``noria airflow up`` in a project's home, and its REST API."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from noria.airflow.stack import control
from noria.airflow.stack.choice import Choice, Folder

LIMIT_S = 600  # for anything to happen: the machine may be busy with other tests
BUSY_S = 60  # for a database that others write to: SQLite has one writer at a time
OVER = ("success", "failed")


class Refused(Exception):
    """What the API said no to."""


class Airflow:
    """The API of a running stack, as one of its users."""

    def __init__(self, url: str, root: Path, user: str = "admin") -> None:
        self.url = url
        self._root, self._token = root, ""
        self._token = self("POST", "/auth/token", {"username": user, "password": self.password(user)})["access_token"]

    def password(self, user: str) -> str:
        return str(json.loads((self._root / "passwords.json").read_text())[user])

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        end = time.monotonic() + BUSY_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > end:
                    raise Refused(f"{method} {path}: {error.code} {error.read()[:500].decode()}") from error
                time.sleep(0.5)

    def ready(self, dag: str) -> None:
        """Wait until a DAG was parsed, and let it run."""

        def parsed() -> bool:
            wrong = self("GET", "/api/v2/importErrors")["import_errors"]
            assert not wrong, wrong[0]["stack_trace"]
            return any(one["dag_id"] == dag for one in self("GET", "/api/v2/dags?limit=100")["dags"])

        until(parsed, f"DAG {dag} to be parsed")
        self("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def event(self, uri: str, extra: Mapping[str, Any] | None = None) -> None:
        """An event of an asset."""
        known = {one["uri"]: one["id"] for one in self("GET", "/api/v2/assets?limit=100")["assets"]}
        self("POST", "/api/v2/assets/events", {"asset_id": known[uri], "extra": dict(extra or {})})

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """A run by hand; its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """All runs of a DAG, oldest first."""
        found: list[dict[str, Any]] = self("GET", f"/api/v2/dags/{dag}/dagRuns?order_by=id&limit=100")["dag_runs"]
        return found

    def over(self, dag: str, number: int, within: float = LIMIT_S) -> dict[str, Any]:
        """Wait until the DAG's run of that number (from 1) has ended."""

        def ended() -> bool:
            found = self.runs(dag)
            return len(found) >= number and found[number - 1]["state"] in OVER

        until(ended, f"run {number} of {dag} to end", within, lambda: self.told(dag, number))
        return self.runs(dag)[number - 1]

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their names; of a mapped one each instance, as ``NAME[I]``."""
        found = self("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")["task_instances"]
        return {one["task_id"] + ("" if one["map_index"] < 0 else f"[{one['map_index']}]"): one for one in found}

    def states(self, dag: str, run: str) -> dict[str, str]:
        return {name: one["state"] for name, one in self.tasks(dag, run).items()}

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """What a task logged."""
        return json.dumps(self("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"))

    def told(self, dag: str, number: int) -> str:
        """How far a run has come, for the message of a test that waited in vain."""
        found = self.runs(dag)
        return str(self.states(dag, found[number - 1]["dag_run_id"]) if len(found) >= number else found)


def until(
    condition: Callable[[], bool], what: str, within: float = LIMIT_S, told: Callable[[], str] = lambda: ""
) -> None:
    """Wait for a condition."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {within:g} s for {what}. {told()}")
        time.sleep(0.3)


@contextmanager
def stack(project: Path, environment: Path, wanted: Choice) -> Iterator[Airflow]:
    """The stack of a project while a test needs it."""
    folder = Folder(project / ".noria" / "airflow")
    before = os.environ.get("NORIA_AIRFLOW_ENVIRONMENT")
    os.environ["NORIA_AIRFLOW_ENVIRONMENT"] = str(environment)
    try:
        found = control.up(folder, wanted, project=project, variables={}, say=print)
        yield Airflow(found.stack.url, folder.root)
    finally:
        control.down(folder, print)
        os.environ.pop("NORIA_AIRFLOW_ENVIRONMENT")
        if before is not None:
            os.environ["NORIA_AIRFLOW_ENVIRONMENT"] = before
