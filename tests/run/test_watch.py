"""The watch: it turns when something calls for it, says why on record, and nothing that breaks around it ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import projects
from noria import settings
from noria.cli.main import main
from noria.run.place import Place, open_place
from noria.store import alerts, runs, watches

PATIENCE_S = 90.0
QUICK = (
    'tune=nr.Tune({"C": nr.choice(0.1, 1.0)}, sampler="grid", metric="roc_auc")',
    'tune=nr.Tune({"C": nr.choice(1.0)}, sampler="grid", metric="roc_auc")',
)


def environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NORIA_")}


class Live:
    """A real ``noria watch``; ``events`` are those it has told so far."""

    def __init__(self, file: Path) -> None:
        self.path = file.parent / f"events-{time.monotonic_ns()}"
        words = [sys.executable, "-m", "noria.cli.main", "watch", str(file), "--json", "--poll", "1s"]
        with self.path.open("wb") as out:
            self.process = subprocess.Popen(words, stdout=out, stderr=out, env=environ(), cwd=file.parent)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def hears(self, word: str, count: int = 1, **more: str) -> dict[str, Any]:
        """Wait for the so-manieth event of a word, whose texts hold what is given."""
        found: list[dict[str, Any]] = []

        def heard() -> bool:
            nonlocal found
            found = [
                one for one in self.events
                if one["event"] == word and all(text in str(one[name]) for name, text in more.items())
            ]  # fmt: skip
            return len(found) >= count

        until(lambda: heard() or self.process.poll() is not None, f"{word} {more}\n{self.path.read_text()}")
        assert len(found) >= count, self.path.read_text()
        return found[count - 1]

    def end(self, sign: int) -> int:
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE_S)


def until(holds: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.05)


@pytest.fixture
def watched() -> Iterator[Callable[[Path], Live]]:
    """Starts watches, and ends those that are left."""
    started: list[Live] = []

    def start(file: Path) -> Live:
        started.append(Live(file))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def project(tmp_path: Path, feedback: str = "") -> Path:
    file = projects.write(tmp_path / "project", count=300)
    projects.change(file, *QUICK)
    if feedback:
        projects.change(file, "    release=", f"    feedback=nr.Feedback({feedback}),\n    release=")
    return file


def place_of(file: Path) -> Place:
    return open_place(settings.load(file.parent, environ={}))


def newest(file: Path) -> runs.Run:
    place = place_of(file)
    with place.store.read() as c:
        found = runs.newest(c, "loans")[0]
    place.store.close()
    return found


def at_work(file: Path) -> bool:
    """Whether a step is being computed."""
    place = place_of(file)
    with place.store.read() as c:
        found = runs.newest(c, "loans")
        working = bool(found) and any(step.state == "running" for step in runs.steps(c, found[0].id))
    place.store.close()
    return working


@pytest.mark.system
def test_it_turns_outlives_what_breaks_and_goes_on_where_it_was_killed(
    tmp_path: Path, watched: Callable[[Path], Live]
) -> None:
    file = project(tmp_path, 'pause="1s"')
    one = watched(file)
    assert "new: inbox/1.csv" in one.hears("turn")["why"]
    assert one.hears("ended", state="done")["run"] == "loans-1"
    assert (newest(file).trigger, (newest(file).cause or {})["why"]) == ("new data", "new: inbox/1.csv")

    second = subprocess.run(
        [sys.executable, "-m", "noria.cli.main", "watch", str(file)], capture_output=True, text=True, env=environ(),
        check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert second.returncode == 2
    assert "noria: loans is being watched by" in second.stderr

    whole = file.read_text()
    file.write_text(whole + "\nthis is no Python\n")
    one.hears("broken")
    projects.arrive(file.parent, "22", count=100)
    seen = len(one.events)
    time.sleep(2.5)  # two looks: nothing is to happen in them
    assert len(one.events) == seen
    file.write_text(whole)
    one.hears("mended")
    one.hears("turn", why="inbox/22.csv")
    one.hears("ended", 2, state="done")
    place = place_of(file)
    with place.store.read() as c:
        assert sum("broke while it was watched" in sent.what for sent in alerts.newest(c, "loans")) == 1

    projects.arrive(file.parent, "333", count=100)
    one.hears("turn", why="inbox/333.csv")
    until(lambda: at_work(file), "a step to begin")
    assert one.end(signal.SIGTERM) == 0
    assert newest(file).state == "running"
    assert one.events[-1]["event"] == "ended watching"
    with place.store.read() as c:
        held = watches.get(c, "loans")
    assert held is not None
    assert held.owner is None

    other = watched(file)
    other.hears("turn", trigger="new data")
    until(lambda: at_work(file), "a step to begin")
    assert other.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not _turning(file), "the turn to end with the watch")
    last = watched(file)
    assert last.hears("ended", state="done")["run"] == "loans-3"
    assert newest(file).trigger == "new data"

    asked = [sys.executable, "-m", "noria.cli.main", "watch", str(file), "--ask", "just to see"]
    assert subprocess.run(asked, env=environ(), check=False, timeout=PATIENCE_S).returncode == 0
    last.hears("turn", trigger="person", why="just to see")
    last.hears("ended", 2, state="done")
    assert newest(file).number == 4
    assert last.end(signal.SIGINT) == 0
    place.store.close()


def _turning(file: Path) -> bool:
    """Whether any process turns this file's wheel."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in words and str(file).encode() in words:
            return True
    return False


def once(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    """One look: the exit code and the events."""
    capsys.readouterr()
    code = main(["watch", str(file), "--once", "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_bad_batch_is_tried_once_and_a_stream_of_them_meets_the_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("NORIA_")]:
        monkeypatch.delenv(name)
    file = project(tmp_path, "turns=2")
    assert once(file, capsys)[0] == 0
    projects.arrive(file.parent, "22", approved=0.95)
    code, events = once(file, capsys)
    assert (code, [one["state"] for one in events if one["event"] == "ended"]) == (3, ["stopped"])
    code, events = once(file, capsys)
    assert code == 0
    assert not [one for one in events if one["event"] == "turn"]
    projects.arrive(file.parent, "333", approved=0.95)
    code, events = once(file, capsys)
    assert (code, newest(file).number) == (0, 2)
    assert "2 turns in 1d are the budget" in events[-2]["why"]


def test_a_turn_that_cannot_begin_is_told_and_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("NORIA_")]:
        monkeypatch.delenv(name)
    file = project(tmp_path)
    text = file.read_text()
    file.write_text(text.replace('schema=nr.Schema(label="approved"', 'schema=nr.Schema(label="sex"'))
    code, events = once(file, capsys)
    assert code == 1
    [ended] = [one for one in events if one["event"] == "ended"]
    assert "label" in ended["message"]
    code, events = once(file, capsys)
    assert code == 0
    assert "a moment ago" in events[-2]["why"]
    file.write_text("1 +")
    assert main(["watch", str(file), "--once"]) == 2


def test_what_is_asked_of_nobody_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project(tmp_path)
    assert main(["watch", str(file), "--ask", "please"]) == 2
    assert "this file was never watched" in capsys.readouterr().err
    assert main(["watch", str(file), "--poll", "often"]) == 2
    assert "'often' is no length of time (--poll)" in capsys.readouterr().err
