"""Commands find the project they are about, from its folder, from below it, from elsewhere; or say there is none."""

from pathlib import Path

import pytest

from .conftest import Noria

LOOKS = [
    ["data", "log"],
    ["data", "show", "loans"],
    ["data", "diff", "loans@1", "loans@2"],
    ["model", "list"],
    ["model", "show", "loans"],
    ["model", "card", "loans"],
    ["route", "show"],
    ["feedback", "show", "loans"],
    ["trace", "model", "loans"],
    ["trace", "prediction", "p1"],
    ["audit", "show"],
    ["audit", "verify"],
    ["token", "list"],
    ["step", "loans-1", "train"],
]
CHANGES = [
    ["data", "tag", "loans", "good"],
    ["data", "export", "loans", "rows.csv"],
    ["model", "promote", "loans"],
    ["model", "rollback", "loans"],
    ["model", "approve", "0123", "--reason", "x"],
    ["model", "refuse", "0123", "--reason", "x"],
    ["route", "set", "loans", "1=1"],
    ["feedback", "import", "loans", "labels.csv"],
    ["token", "revoke", "shop"],
    ["audit", "export", "log.jsonl"],
]
LISTS = {
    "data log",
    "model list",
    "route show",
    "audit show",
    "audit verify",
    "audit export",
    "token list",
}


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_from_below_and_from_elsewhere_it_shows_the_same(
    project: Path, noria: Noria, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    here = noria(*words)
    assert (here.code, here.err) == (0, "")
    monkeypatch.chdir(project / "inbox")
    assert noria(*words) == here
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NORIA_HOME", str(project / ".noria"))
    assert noria(*words) == here
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_json_is_one_document_and_nothing_else(project: Path, noria: Noria, words: list[str]) -> None:
    ended = noria(*words, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert isinstance(ended.data, dict | list)


@pytest.mark.parametrize("words", LOOKS + CHANGES, ids=" ".join)
def test_where_nothing_was_ever_run_it_says_so_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = noria(*words)
    assert (ended.code, ended.out) == (2, "")
    where = tmp_path / ".noria"
    assert ended.said == f"there is no noria home here ({where}). Go to the project's folder, or set NORIA_HOME."
    assert noria(*words, "--json").data == {"error": ended.said, "code": 2}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", LOOKS + CHANGES, ids=" ".join)
def test_an_empty_home_gives_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".noria").mkdir()
    ended = noria(*words)
    if " ".join(words[:2]) in LISTS:
        assert (ended.code, ended.err, ended.out.count("\n")) == (0, "", 1)
    else:
        assert (ended.code, ended.out) == (2, "")
        assert ended.said


@pytest.mark.parametrize("words", LOOKS + CHANGES, ids=" ".join)
def test_a_damaged_database_gives_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".noria").mkdir()
    (tmp_path / ".noria" / "noria.db").write_bytes(b"this was a database once " * 100)
    ended = noria(*words)
    assert (ended.code, ended.out) == (1, "")
    assert ended.said.startswith("the database is damaged: ")


def test_with_a_database_elsewhere_a_fresh_machine_needs_no_home(
    project: Path, noria: Noria, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NORIA_DB", f"sqlite:///{project / '.noria' / 'noria.db'}")
    monkeypatch.setenv("NORIA_ARTIFACTS", str(project / ".noria" / "artifacts"))
    assert [one["number"] for one in noria("model", "list", "--json").data] == [1, 2]
    assert noria("step", "loans-1", "train").out == "train done\n"


def test_a_home_that_is_a_file_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noria: Noria) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NORIA_HOME", str(tmp_path / "file"))
    ended = noria("data", "log")
    assert ended.code == 2
    assert ended.said.endswith("Set NORIA_HOME to a folder that you may write.")
