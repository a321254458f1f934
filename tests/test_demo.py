"""noria demo, whole: real data, real server, real requests; what it must show, it shows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "noria.cli.main", "demo"]


@pytest.mark.system
def test_the_demo_shows_the_whole_story_and_keeps_the_server_if_asked(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    environment = {**os.environ, "COLUMNS": "200"}
    process = subprocess.Popen(
        [*COMMAND, "--keep", "--folder", str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if line.startswith("Ctrl-C ends"):
                break
        said = re.sub(r"\s+", " ", told)
        assert "version 1" in said
        assert "9 of 9 steps were reused" in said
        assert re.search(r"went from \d+% to \d+%|from \d+% to \d+%", said)
        assert "--remedy resample" in said
        assert "demographic_parity_difference" in said
        assert "Version 2 passes every gate and becomes the challenger" in said
        champion, challenger = (
            int(re.search(rf"(\d+) people were answered by the {name}", said)[1])  # type: ignore[index]
            for name in ("champion", "challenger")
        )
        assert 0.05 < challenger / (champion + challenger) < 0.15
        assert "0 of 50 people got another version" in said
        assert re.search(r"Live, version 2 was \d+\.\d% right .* by \d+ labels", said)
        assert "all traffic to version 2 100 %" in said
        assert "learned from data income@" in said
        assert re.search(r"prediction [0-9a-f-]{36}", said)
        url = re.search(r"the server at (\S+),", said)[1]  # type: ignore[index]
        pages = re.search(r"the pages at (\S+)\.", said)[1]  # type: ignore[index]
        assert "income" in httpx.get(pages, timeout=60).text
        assert httpx.get(f"{url}/v2/health/ready").status_code == 200
        for line in re.findall(r"^  (curl .*)$", told, re.MULTILINE):
            _, where, *data = shlex.split(line)
            answer = httpx.post(where, content=data[1]) if data else httpx.get(where)
            assert answer.status_code == 200, answer.text
        reports = [path.name for path in (folder / ".noria" / "reports").rglob("*.html")]
        assert {"validate-report.html", "analyze-report.html", "release-card.html"} <= set(reports)
    finally:
        process.terminate()
        process.wait(60)
    for gone in (f"{url}/v2/health/ready", pages):
        with pytest.raises(httpx.TransportError):
            httpx.get(gone)


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("x")
    done = subprocess.run([*COMMAND, "--folder", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
