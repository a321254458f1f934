"""noria run as people see it: what it shows, what it explains, and its exit codes."""

import json
import re
from pathlib import Path

import pytest

import projects
from noria.cli.main import main


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    assert main(list(words)) == code
    return capsys.readouterr().out


def states(text: str) -> dict[str, str]:
    """The state of each step, from its line."""
    return dict(re.findall(r"^  (\w+) +(done|reused|blocked|waiting) ", text, re.MULTILINE))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "200")
    file = projects.write(tmp_path / "project")
    monkeypatch.chdir(tmp_path)  # from another folder
    return file


def test_a_comment_reruns_nothing_and_a_helper_reruns_preprocess_and_after(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = said(capsys, "run", str(file), "--explain")
    assert set(states(first).values()) == {"done"}
    assert "it never ran before" in first
    helper = file.parent / "features.py"
    projects.change(helper, "return table.clip(0, LIMIT)", "return table.clip(0, LIMIT)  # years")
    comment = said(capsys, "run", str(file), "--explain")
    assert set(states(comment).values()) == {"reused"}
    assert "nothing it depends on changed" in comment
    projects.change(helper, "return table.clip(0, LIMIT)", "return table.clip(1, LIMIT)")
    changed = said(capsys, "run", str(file), "--explain")
    found = states(changed)
    assert [word for word, state in found.items() if state == "reused"][:2] == ["collect", "validate"]
    assert [found[word] for word in ("preprocess", "tune", "train")] == ["done"] * 3
    assert "function clean_age in features.py changed" in changed


def test_the_reports_are_linked_and_open(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "run", str(file))
    pages = re.findall(r"\S+\.html", text.split("feedback", 1)[1])
    reports = [Path(page) for page in pages if page.startswith("/")]
    assert len(reports) == 3
    for report in reports:
        content = report.read_text()
        assert "<svg" in content
        assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", content)


def test_as_json_it_says_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "run", str(file), "--json"))
    assert found["state"] == "done"
    assert [step["state"] for step in found["steps"]] == ["done"] * 9


def test_a_stop_has_its_own_exit_code_and_says_the_way_on(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "run", str(file))
    projects.arrive(file.parent, "2", approved=0.8)
    stopped = said(capsys, "run", str(file), code=3)
    assert "Stopped." in stopped
    assert "--remedy resample" in stopped
    assert states(stopped) == {"collect": "done", "validate": "blocked"}
    again = states(said(capsys, "run", str(file), "--remedy", "reweight"))
    assert again == {"collect": "reused"} | dict.fromkeys(list(again)[1:], "done")
    assert len(again) == 9
