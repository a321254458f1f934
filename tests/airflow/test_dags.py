"""A plan as a DAG, built where Airflow lives: its tasks, what each calls, and what may go wrong with the file."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow.environment import python
from noria.airflow.exported import FORMAT, Exported
from noria.plan import FORMAT as PLAN_FORMAT
from noria.plan import Plan, Resources, Step

CHAIN = ("collect", "validate", "preprocess", "tune", "train", "analyze", "release", "deploy", "feedback")
RUN = "{{ noria_run(dag.dag_id, run_id) }}"
pytestmark = pytest.mark.system


def plan(**steps: Step) -> Plan:
    """The wheel, with other steps in place of some."""
    made = (
        replace(steps.get(word, Step(word)), needs=(before,) if before else ())
        for before, word in zip(("", *CHAIN), CHAIN)
    )
    return Plan("loans", tuple(made), bundle="b" * 64, entry="lifecycle.py")


def exported(**changed: Any) -> Exported:
    return Exported(**{"plan": plan(), "digest": "d" * 64, "sweep": "@hourly", **changed})


def built(folder: Path, text: str | Exported) -> dict[str, Any]:
    """What Airflow's interpreter makes of an export."""
    file = folder / "noria_loans.json"
    file.write_text(text if isinstance(text, str) else text.to_json())
    script = Path(__file__).with_name("described.py")
    done = subprocess.run(
        [python(), str(script), str(file)], capture_output=True, text=True, check=False, cwd=folder,
        env={"AIRFLOW_HOME": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_one_task_a_step_between_begin_and_end_that_import_nothing_but_airflow(tmp_path: Path) -> None:
    found = built(tmp_path, exported())
    assert found["refused"] == []
    mine = {name for name in found["modules"] if not name.startswith(("noria.airflow", "noria.pools"))}
    assert mine <= {"noria", "noria.plan", "noria.declared", "noria.errors"}
    turns = found["turns"]
    assert (turns["dag"], turns["timetable"]) == ("loans", "AssetTriggeredTimetable")
    tasks = turns["tasks"]
    assert list(tasks) == ["begin", *CHAIN, "end"]
    assert {word: one["after"] for word, one in tasks.items()} == {
        word: [before] if before else [] for before, word in zip(("", "begin", *CHAIN), ("begin", *CHAIN, "end"))
    }
    assert tasks["train"]["command"] == ["noria", "step", RUN, "train", "--wait", "90"]
    assert tasks["end"]["rule"] == "all_done"
    for one in tasks.values():
        assert (one["kind"], one["policy"]) == ("StepOperator", "ExceptionRetryPolicy")
        assert len(one["doc"]) > 40
        assert one["links"] == ["noria run", "noria report"]
    assert list(found["sweeps"]["tasks"]) == ["sweep"]
    assert found["provider"]["package-name"] == "noria"


def test_what_divides_is_mapped_and_a_persons_release_asks(tmp_path: Path) -> None:
    divided = plan(
        validate=Step("validate", shards=2),
        preprocess=Step("preprocess", shards=3),
        tune=Step("tune", shards=4, resources=Resources(pool="highcpu")),
        release=Step("release", config={"approval": "person"}),
    )
    found = built(tmp_path, exported(plan=divided, executor="celery", at_once=1, sweep="", cron="0 6 * * *"))
    assert found["sweeps"] is None
    assert found["turns"]["timetable"] == "AssetOrTimeSchedule"
    tasks = found["turns"]["tasks"]
    assert tasks["validate_profiles"]["mapped"] == 2
    assert tasks["preprocess_parts"]["after"] == ["preprocess_fit"]
    assert tasks["preprocess"]["after"] == ["preprocess_parts"]
    assert tasks["preprocess_fit"]["command"][-1] == "--prepare"
    trials = tasks["tune_trials"]
    assert (trials["mapped"], trials["at once"], trials["queue"]) == (4, 1, "highcpu")
    assert [words[-2:] for words in trials["command"]] == [["--shard", str(number)] for number in range(1, 5)]
    assert tasks["tune"]["after"] == ["tune_trials"]
    assert tasks["train"]["queue"] == "default"
    assert tasks["approval"]["after"] == ["release"]
    assert (tasks["decision"]["after"], tasks["decision"]["rule"]) == (["approval"], "none_failed")
    assert tasks["deploy"]["after"] == ["decision"]


def test_a_step_without_memory_has_a_second_task_in_the_larger_pool(tmp_path: Path) -> None:
    big = Resources(pool="small", memory_mb=512)
    pools = {"pools": {"small": {"memory_mb": 1024, "larger": "high"}, "high": {"memory_mb": 4096, "queue": "h1"}}}
    made = exported(
        plan=plan(train=Step("train", resources=big)), executor="celery", pools=pools, larger={"small": "high"}
    )
    tasks = built(tmp_path, made)["turns"]["tasks"]
    second = tasks["train_in_high"]
    assert (second["after"], second["rule"], second["queue"]) == (["train"], "none_failed", "h1")
    assert second["command"][-2:] == ["--memory-mb", "1024"]
    assert tasks["analyze"]["after"] == ["train_in_high"]
    assert tasks["train"]["queue"] == "small"
    assert [name for name in tasks if "_in_" in name] == ["train_in_high"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (exported(format=FORMAT + 1), f"the export has format {FORMAT + 1}; this noria reads up to {FORMAT}: upgrade"),
        (exported(plan=replace(plan(), format=PLAN_FORMAT + 1)), f"the plan has format {PLAN_FORMAT + 1}"),
        ("{", "noria_loans.json cannot be used: Expecting property name"),
        ("[]", "this is no plan that 'noria airflow export' wrote"),
    ],
    ids=["newer export", "newer plan", "cut off", "something else"],
)
def test_a_file_that_cannot_be_used_is_an_import_error_that_says_why(
    tmp_path: Path, text: str | Exported, said: str
) -> None:
    error = built(tmp_path, text)["error"]
    assert said in error
    assert error.endswith("Export the lifecycle again.")
