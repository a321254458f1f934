"""noria metrics: what Prometheus reads is what is on record."""

import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import projects
from noria.cli.main import main


def test_prometheus_reads_how_often_how_long_and_how_long_steps_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = projects.write(tmp_path / "loans")
    monkeypatch.chdir(file.parent)
    assert main(["run", str(file)]) == 0
    assert main(["run", str(file), "--force", "train"]) == 0
    capsys.readouterr()
    assert main(["metrics", "--json"]) == 0
    records = {one["step"]: one for one in json.loads(capsys.readouterr().out)["steps"]}
    assert main(["metrics"]) == 0
    families = {one.name: one for one in text_string_to_metric_families(capsys.readouterr().out)}

    def value(name: str, **labels: str) -> float:
        family = families[name.removesuffix("_total").removesuffix("_count").removesuffix("_sum")]
        [found] = [one.value for one in family.samples if one.name == name and labels.items() <= one.labels.items()]
        return found

    assert value("noria_steps_total", step="train", state="done") == 2
    assert value("noria_steps_total", step="collect", state="reused") == 1
    assert value("noria_runs_total", lifecycle="loans", state="done") == 2
    assert value("noria_step_duration_seconds_count", step="train") == 2
    assert value("noria_step_duration_seconds_sum", step="train") == pytest.approx(records["train"]["took"]["total_s"])
    assert value("noria_step_waiting_seconds_sum", step="train") == pytest.approx(records["train"]["waited"]["total_s"])
    assert records["train"]["took"]["last_s"] > 0
    assert value("noria_step_memory_mb", step="train") > 0
