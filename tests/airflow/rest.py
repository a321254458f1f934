"""Airflow's REST API, as a test or a benchmark asks it: sign in, send an event, wait for a run."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDED = ("success", "failed")
LIMIT_S = 900  # for anything to happen: the machine may be busy with other tests
RUN_S = 0.5  # between two looks at a run, which takes many
BUSY_S = 60  # for a database that others write to, or that is started again


class Refused(Exception):
    """What the API said no to."""


@dataclass
class Api:
    """One Airflow; ``account`` and ``password`` of somebody there."""

    url: str
    account: str
    password: str
    token: str = ""

    @classmethod
    def of(cls, home: Path, url: str, account: str = "admin") -> "Api":
        """Of the stack in a noria home."""
        return cls(url, account, json.loads((home / "airflow" / "passwords.json").read_text())[account])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request; ``Refused`` with what was said if it is refused, or fails for ``BUSY_S``."""
        if not self.token and path != "/auth/token":
            who = {"username": self.account, "password": self.password}
            self.token = self.ask("POST", "/auth/token", who)["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        end = time.monotonic() + BUSY_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code < 500 or time.monotonic() > end:
                    raise Refused(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error
            time.sleep(0.5)

    def unpause(self, dag: str) -> None:
        """Let a DAG run, once the DAG processor has seen its file."""

        def parsed() -> bool:
            wrong = self.import_errors(dag)
            assert not wrong, wrong[0]["stack_trace"]
            return any(one["dag_id"] == dag for one in self.ask("GET", "/api/v2/dags?limit=100")["dags"])

        self.until(parsed, f"DAG {dag} to be parsed")
        self.ask("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def import_errors(self, name: str) -> list[dict[str, Any]]:
        """What Airflow says of DAG files with ``name`` in theirs that it cannot read."""
        found = self.ask("GET", "/api/v2/importErrors?limit=100")["import_errors"]
        return [one for one in found if name in Path(one["filename"]).name]

    def event(self, uri: str, extra: Mapping[str, Any] | None = None) -> None:
        """Say that an asset changed."""
        found = self.ask("GET", "/api/v2/assets?limit=100")["assets"]
        [one] = [asset["id"] for asset in found if asset["uri"].rstrip("/") == uri.rstrip("/")]
        self.ask("POST", "/api/v2/assets/events", {"asset_id": one, "extra": dict(extra or {})})

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run: its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Its runs, the oldest first."""
        return list(self.ask("GET", f"/api/v2/dags/{dag}/dagRuns?limit=100&order_by=id")["dag_runs"])

    def run(self, dag: str, number: int) -> str:
        """The run of that number, from 1, once there is one: its id."""
        found = self.until(lambda: self.runs(dag)[number - 1 :], f"run {number} of {dag}")
        return str(found[0]["dag_run_id"])

    def wait(self, dag: str, run: str, pause: float = RUN_S) -> str:
        """How a run ended. Airflow is asked every ``pause`` seconds: each answer costs it time of the processor."""

        def ended() -> str:
            [state] = [one["state"] for one in self.runs(dag) if one["dag_run_id"] == run]
            return str(state) if state in ENDED else ""

        return str(
            self.until(ended, f"run {run} of {dag} to end", told=lambda: str(self.states(dag, run)), pause=pause)
        )

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their names; of a mapped one each instance, as ``NAME[I]``."""
        found = self.ask("GET", f"{_path(dag, run)}/taskInstances?limit=200")["task_instances"]
        return {one["task_id"] + ("" if one["map_index"] < 0 else f"[{one['map_index']}]"): one for one in found}

    def states(self, dag: str, run: str) -> dict[str, str]:
        return {name: one["state"] for name, one in self.tasks(dag, run).items()}

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """What a task logged."""
        return json.dumps(self.ask("GET", f"{_path(dag, run)}/taskInstances/{task}/logs/{attempt}"))

    def until(
        self,
        look: Callable[[], Any],
        what: str,
        seconds: float = LIMIT_S,
        told: Callable[[], str] = lambda: "",
        pause: float = 0.1,
    ) -> Any:
        """The first answer of ``look`` that is not empty; Airflow may be away meanwhile."""
        end, last = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                if found := look():
                    return found
            except (Refused, OSError) as error:
                last = error
            time.sleep(pause)
        raise TimeoutError(f"waited {seconds:g} s for {what} ({last}). {told()}")


def _path(dag: str, run: str) -> str:
    return f"/api/v2/dags/{dag}/dagRuns/{urllib.parse.quote(run, safe='')}"
