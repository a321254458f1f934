"""What the page of examples for clients says is so: each of them gets an answer."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serve.live import PATIENCE_S, Live

pytestmark = pytest.mark.system
GUIDE = (Path(__file__).parent.parent.parent / "docs" / "guides" / "serving-clients.md").read_text()
SAID = [r"(no|yes) [12] \S+\n", r"10 answers\n", r"\[b'(no|yes)'\] \(1, 2\)\n"]


def blocks(kind: str, server: Live) -> list[str]:
    """The code of the page, for a server that listens elsewhere."""
    moved = GUIDE.replace("127.0.0.1:8080", server.url.removeprefix("http://")).replace("127.0.0.1:8081", server.grpc)
    return re.findall(rf"```{kind}\n(.*?)```", moved, re.DOTALL)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl(server: Live) -> None:
    (commands,) = blocks("sh", server)
    said = [json.loads(run("sh", "-c", one)) for one in commands.splitlines()]
    assert said[0]["predictions"][0]["label"] in ("no", "yes")
    assert said[1]["model_version"] == "2"
    assert said[2] == {"accepted": 1}


@pytest.mark.parametrize("number", range(len(SAID)))
def test_python(server: Live, number: int) -> None:
    found = blocks("python", server)
    assert len(found) == len(SAID)
    assert re.fullmatch(SAID[number], run(sys.executable, "-c", found[number]))


def test_javascript(server: Live) -> None:
    node = shutil.which("node")
    assert node is not None, "node is not installed: python tests/servers.py"
    (code,) = blocks("js", server)
    assert re.fullmatch(r"(no|yes) [12]\n\{ accepted: 1 \}\n", run(node, "-e", code))
