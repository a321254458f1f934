"""What a step prints is kept, whoever turns the wheel; a failure with where it happened; it never fails a step."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

import projects
from noria import settings
from noria.run import printed
from noria.run.local import turn
from noria.run.place import open_place

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRINTS = """
@loans.train
def model(params):
    import sys
    from sklearn.linear_model import LogisticRegression
    print("I learn", params["C"] > 0)
    print("\\x1b[31mred\\x1b[0m 10 %\\rred 100 %", file=sys.stderr)
    return LogisticRegression(C=params["C"], max_iter=500)
"""


def of(home: Path, step: str = "train", run: str = "loans-1") -> str:
    return printed.tail(home, run, step)


def test_a_turn_in_a_terminal_keeps_what_each_step_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = projects.write(tmp_path / "project")
    text = file.read_text()
    begin = text.index("@loans.train")
    file.write_text(text[:begin].rstrip() + "\n\n" + PRINTS)
    place = open_place(settings.load(file.parent, environ={}))
    before = sys.stdout
    assert turn(place, file).run.state == "done"
    assert sys.stdout is before
    home = place.settings.home
    lines = of(home).splitlines()
    assert lines[0].startswith("— attempt 1, ")
    assert "I learn True" in lines
    assert "red 100 %" in lines
    assert "I learn" not in of(home, "collect")
    assert "I learn True" in capsys.readouterr().out, "it is printed where it was, too"
    assert of(home, "train", "loans-9") == ""
    place.store.close()


def test_a_failed_step_keeps_where_it_happened_and_the_next_attempt_goes_on_below(tmp_path: Path) -> None:
    file = projects.write(tmp_path / "project")
    good = file.read_text()
    begin = good.index("@loans.train")
    file.write_text(good[:begin] + "@loans.train\ndef model(params):\n    raise RuntimeError('no such luck')\n")
    place = open_place(settings.load(file.parent, environ={}))
    with pytest.raises(Exception, match="no such luck"):
        turn(place, file)
    failed = next(one for one in ("tune", "train") if "no such luck" in of(place.settings.home, one))
    text = of(place.settings.home, failed)
    assert "Traceback" in text
    assert "lifecycle.py" in text
    place.store.close()


def test_a_later_attempt_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for attempt in (1, 2):
        with printed.kept(tmp_path, "r-1", "tune", 3, attempt, NOW):
            print(f"word {attempt}")
    heads = [line[:11] for line in printed.tail(tmp_path, "r-1", "tune", 3).splitlines()]
    assert heads == ["— attempt 1", "word 1", "— attempt 2", "word 2"]


def test_steps_at_once_in_one_process_leave_the_streams_as_they_were(tmp_path: Path) -> None:
    before, inside, may_end = sys.stdout, threading.Event(), threading.Event()

    def first() -> None:
        with printed.kept(tmp_path, "r-1", "a", 0, 1, NOW):
            inside.set()
            assert may_end.wait(60)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(60)
    with printed.kept(tmp_path, "r-1", "b", 0, 1, NOW):
        may_end.set()
        thread.join()
        print("still heard")
    assert sys.stdout is before
    assert "still heard" in printed.tail(tmp_path, "r-1", "b")


def test_what_is_too_much_is_cut_and_what_cannot_be_kept_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printed, "MOST", 500)
    with printed.kept(tmp_path, "r-1", "a", 0, 1, NOW):
        for _ in range(100):
            print("x" * 49)
    file = printed.file_of(tmp_path, "r-1", "a")
    assert file.stat().st_size < 600
    assert file.read_text().endswith(printed.CUT)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / printed.FOLDER).write_text("no folder")
    with printed.kept(tmp_path / "home", "r-1", "a", 0, 1, NOW):
        print("said to nobody")
    with printed.kept(tmp_path, "r-2", "a", 0, 1, NOW) as log:
        log.close()
        print("said after its end")


def test_progress_is_kept_once_a_text(tmp_path: Path) -> None:
    heard: list[float] = []
    with printed.kept(tmp_path, "r-1", "tune", 0, 1, NOW) as log:
        tell = log.noting(lambda text, share: heard.append(share))
        for share in (0.1, 0.2, 0.3):
            tell("trial 1 of 3" if share < 0.3 else "trial 2 of 3", share)
    assert heard == [0.1, 0.2, 0.3]
    assert printed.tail(tmp_path, "r-1", "tune").splitlines()[1:] == ["trial 1 of 3", "trial 2 of 3"]
