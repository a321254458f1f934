"""noria doctor: what is configured, what is reachable, what is wrong."""

from pathlib import Path

import pytest

from .conftest import Noria


def test_a_project_that_works_is_well(project: Path, noria: Noria) -> None:
    found = {one["what"]: one for one in noria("doctor", "--json").data}
    assert found["home"]["value"] == str(project / ".noria")
    assert found["home"]["state"] == found["stores"]["state"] == found["polars"]["state"] == "ok"
    assert "stores" in noria("doctor").out


def test_where_nothing_was_run_it_says_so_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = noria("doctor")
    assert ended.code == 0
    assert "nothing was run here yet" in ended.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NORIA_DB", "nonsense", "'nonsense' is not a database URL"),
        ("NORIA_DB", "postgresql+psycopg://noria@127.0.0.1:1/none", "127.0.0.1"),
        ("NORIA_ARTIFACTS", "ftp://somewhere", "no artifact store for ftp://"),
    ],
)
def test_what_is_wrong_ends_with_one(
    project: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    ended = noria("doctor")
    assert ended.code == 1
    assert said in ended.said
    as_json = noria("doctor", "--json")
    assert as_json.code == 1
    assert any(said in one["state"] for one in as_json.data)


def test_settings_with_a_mistake_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noria.toml").write_text("hme = 'here'\n")
    ended = noria("doctor")
    assert (ended.code, ended.said.partition(" (")[0]) == (2, "unknown setting hme")
