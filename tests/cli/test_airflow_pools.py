"""noria airflow export --pools: what steps ask for is held against what there is, before anything is written."""

from pathlib import Path

import pytest

import projects
from noria.airflow.exported import read

from .conftest import Noria

PODS = '[pods]\nnamespace = "noria"\nimage = "noria:1"\n'
SMALL = "[pools.default]\nmemory_mb = 2000\n"
LARGE = "[pools.highmem]\ncpu = 8\nmemory_mb = 64000\n"
QUICK = '[pools.quick]\nruns_on = "celery"\nqueue = "fast"\n'


@pytest.fixture
def lifecycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = projects.write(tmp_path / "project", count=30)
    (file.parent / "dags").mkdir()
    monkeypatch.chdir(file.parent)
    return file


def asks(file: Path, **resources: str) -> None:
    given = ", ".join(f'"{word}": nr.Resources({text})' for word, text in resources.items())
    projects.change(file, '    collect="inbox/*.csv",', f'    collect="inbox/*.csv",\n    resources={{{given}}},')


def test_each_step_goes_where_its_pool_runs(lifecycle: Path, noria: Noria) -> None:
    asks(lifecycle, train="memory_mb=9000", collect='pool="quick"')
    Path("pools.toml").write_text(PODS + SMALL + LARGE + QUICK)
    words = ["--dags-folder", "dags", "--executor", "kubernetes", "--pools", "pools.toml"]
    assert noria("airflow", "export", "lifecycle.py", *words).code == 0
    exported = read(Path("dags/noria_loans.json"))
    found = {step.name: exported.pool(step) for step in exported.plan.steps}
    went = {name: (pool.name, pool.runs_on) for name, pool in found.items() if pool is not None}
    assert went.pop("train") == ("highmem", "kubernetes")
    assert went.pop("collect") == ("quick", "celery")
    assert set(went.values()) == {("default", "kubernetes")}
    assert "noria:1" in Path("dags/noria_loans.json").read_text()


@pytest.mark.parametrize(
    ("pools", "asked", "said"),
    [
        (PODS + SMALL, 'pool="huge"', "there is no pool 'huge' (step train). Pools are default; name one"),
        (PODS + SMALL, "memory_mb=9000", "no machine holds it: it asks for 9000 MiB of memory, and a machine of pool "),
        (SMALL, "cpu=1", "nothing says what its pod is made of (step collect). Give a pools file with a table [pods]"),
        (PODS, "cpu=1", "there is no pool (pools.toml). Declare one as [pools.NAME]."),
        (None, "cpu=1", "the pools cannot be read: No such file or directory (pools.toml). Give a TOML file: --pools."),
    ],
)
def test_a_step_that_cannot_run_anywhere_is_told_at_once(
    lifecycle: Path, noria: Noria, pools: str | None, asked: str, said: str
) -> None:
    asks(lifecycle, train=asked)
    if pools is not None:
        Path("pools.toml").write_text(pools)
    words = ["--dags-folder", "dags", "--executor", "kubernetes", "--pools", "pools.toml"]
    ended = noria("airflow", "export", "lifecycle.py", *words)
    assert (ended.code, ended.said[: len(said)]) == (2, said)
    assert list(Path("dags").iterdir()) == []


def test_pods_need_a_pools_file(lifecycle: Path, noria: Noria) -> None:
    ended = noria("airflow", "export", "lifecycle.py", "--dags-folder", "dags", "--executor", "kubernetes")
    assert ended.code == 2
    assert ended.said.startswith("nothing says what its pod is made of (step collect). Give a pools file")
    pods = ["--executor", "celery", "--place", "train=kubernetes"]
    assert noria("airflow", "export", "lifecycle.py", "--dags-folder", "dags", *pods).code == 2
