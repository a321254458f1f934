"""What a task comes to by its command's exit code, and whether Airflow tries it again."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from airflow.environment import python
from noria.cli import main as cli

pytestmark = pytest.mark.system
FAIL, SKIP = "AirflowFailException", "AirflowSkipException"
RETRIED = {  # exit code: what is raised, whether it is tried again, after how many seconds
    cli.FAILED: ("StepFailed", "retry", 30),
    cli.MISTAKE: ("DataError", "fail", 0),
    cli.LOST: ("StepLost", "retry", 2),
    cli.MEMORY: ("StepOutOfMemory", "retry", 2),
    -9: ("StepLost", "retry", 2),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("operated")
    script = str(Path(__file__).with_name("operated.py"))
    done = subprocess.run(
        [python(), script], capture_output=True, text=True, check=False, cwd=folder,
        env={"AIRFLOW_HOME": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return read


@pytest.mark.parametrize("code", RETRIED)
def test_a_failure_is_tried_again_or_not_by_its_kind(found: dict[str, Any], code: int) -> None:
    one = found[str(code)]
    assert (one["error"], one["retry"], one["after"]) == RETRIED[code]
    assert one["said"] == "it is so."


def test_a_gate_fails_or_skips_with_its_verdict_and_nothing_to_do_skips(found: dict[str, Any]) -> None:
    ends = {"3": FAIL, "3 skips": SKIP, "6": SKIP}
    assert {name: (found[name]["error"], found[name]["said"]) for name in ends} == {
        name: (kind, "it is so.") for name, kind in ends.items()
    }


def test_what_is_done_and_what_waits_for_a_person_tell_the_tasks_after_them(found: dict[str, Any]) -> None:
    assert found["0"]["result"] == {"code": cli.OK, "said": "it is so."}
    assert found["7"]["result"] == {"code": cli.WAITING, "said": "it is so."}


def test_out_of_memory_goes_on_in_the_larger_pool(found: dict[str, Any]) -> None:
    first = found["5 hands on"]
    assert (first["error"], first["pushed"]["return_value"]["code"]) == (SKIP, cli.MEMORY)
    assert first["said"] == "it is so. The step goes on in the larger pool."
    assert found["takes over"]["result"]["said"] == "it is so."
    assert found["was done"]["result"] == {"code": 0, "said": "train done"}  # and its own command never ran


def test_a_worker_without_noria_says_so(found: dict[str, Any]) -> None:
    assert found["no such command"]["said"].startswith("/nowhere/noria cannot be started here: ")
