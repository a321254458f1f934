"""Airflow's REST API, as a test or a benchmark asks it: sign in, send an event, wait for a run."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDED = ("success", "failed")


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
        """The answer to a request; ``HTTPError`` with what was said if it is refused."""
        if not self.token and path != "/auth/token":
            who = {"username": self.account, "password": self.password}
            self.token = self.ask("POST", "/auth/token", who)["access_token"]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:400]}") from error
        return json.loads(text) if text else None

    def unpause(self, dag: str) -> None:
        """Let a DAG run, once the DAG processor has seen its file."""
        self.until(lambda: any(one["dag_id"] == dag for one in self.ask("GET", "/api/v2/dags?limit=100")["dags"]), dag)
        self.ask("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def event(self, uri: str) -> None:
        """Say that an asset changed."""
        found = self.ask("GET", "/api/v2/assets?limit=100")["assets"]
        [one] = [asset["id"] for asset in found if asset["uri"].rstrip("/") == uri.rstrip("/")]
        self.ask("POST", "/api/v2/assets/events", {"asset_id": one, "extra": {}})

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run: its id."""
        body = {"logical_date": None, "conf": conf or {}}
        return str(self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Its runs, the oldest first."""
        return list(self.ask("GET", f"/api/v2/dags/{dag}/dagRuns?limit=100&order_by=id")["dag_runs"])

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The tasks of a run as they stand."""
        quoted = urllib.parse.quote(run, safe="")
        found = self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{quoted}/taskInstances?limit=200")
        return list(found["task_instances"])

    def log(self, dag: str, run: str, task: str) -> str:
        """What a task's first try logged."""
        quoted = urllib.parse.quote(run, safe="")
        return json.dumps(self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{quoted}/taskInstances/{task}/logs/1"))

    def new_run(self, dag: str, before: int, seconds: float = 60) -> str:
        """The run after the first ``before`` ones, once there is one."""
        return str(self.until(lambda: self.runs(dag)[before:], f"a run of {dag}", seconds)[0]["dag_run_id"])

    def wait(self, dag: str, run: str, seconds: float = 400) -> str:
        """How a run ended."""

        def ended() -> str:
            [state] = [one["state"] for one in self.runs(dag) if one["dag_run_id"] == run]
            return str(state) if state in ENDED else ""

        return self.until(ended, f"the end of {run}", seconds)

    def until(self, look: Callable[[], Any], what: str, seconds: float = 120) -> Any:
        """The first answer of ``look`` that is not empty; Airflow may be away meanwhile."""
        end, last = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                if found := look():
                    return found
            except (AssertionError, OSError) as error:
                last = error
            time.sleep(0.1)
        raise TimeoutError(f"{what} did not come in {seconds} s ({last})")
