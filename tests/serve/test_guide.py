"""What the guide to the server says is so: its commands and its Python get answers."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from serve.live import Live

pytestmark = pytest.mark.system
GUIDE = (Path(__file__).parent.parent.parent / "docs" / "guides" / "serving.md").read_text()


def blocks(kind: str, server: Live) -> list[str]:
    """The code of the guide, for a server that listens elsewhere."""
    moved = GUIDE.replace("http://127.0.0.1:8080", server.url).replace("127.0.0.1:8081", server.grpc)
    return re.findall(rf"```{kind}\n(.*?)```", moved, re.DOTALL)


def test_its_commands_get_answers(server: Live) -> None:
    (commands,) = blocks("sh", server)
    said = [
        json.loads(subprocess.run(["sh", "-c", one], capture_output=True, check=True, timeout=60).stdout)
        for one in commands.splitlines()
    ]
    assert said[0]["predictions"][0]["label"] in ("no", "yes")
    assert said[1] == {"name": "loans", "ready": True}
    assert [one["version"] for one in said[2]] == ["1", "2"]


def test_its_python_gets_an_answer(server: Live) -> None:
    (code,) = blocks("python", server)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert re.fullmatch(r"\[b'(no|yes)'\] [0-9a-f-]{36}\n", done.stdout), done.stderr
