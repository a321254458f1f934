"""What the documents say works: their Python blocks turn the wheel, their commands and links exist."""

import re
from pathlib import Path

import pytest

import projects
from noria import settings
from noria.cli.main import COMMANDS
from noria.run.local import turn
from noria.run.place import open_place

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=["smallest", "larger"])
def test_a_block_of_the_readme_turns_the_wheel(tmp_path: Path, block: str) -> None:
    file = projects.write(tmp_path / "project", count=4000)
    file.write_text(block)
    done = turn(open_place(settings.load(file.parent, environ={})), file)
    assert done.run.state == "done", done.run.message


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_links_exist(page: Path) -> None:
    text = page.read_text()
    words = re.findall(r"(?:^    |`)noria ([a-z]+)", text, re.MULTILINE)
    assert [word for word in words if word not in COMMANDS] == []
    targets = re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)
    assert [target for target in targets if target not in TARGETS] == []
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
