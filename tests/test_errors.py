"""Every error on purpose says what, where, and what to do; each ends a command with its exit code, no traceback."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from noria import errors
from noria.cli import main as cli
from noria.errors import NoriaError

SRC = Path(errors.__file__).parent
TREE = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, NoriaError)}
LEAVES = [kind for kind in TREE.values() if not kind.__subclasses__()]
EXIT = {  # by the branch, twigs before what they grow from
    "Undecided": 7,
    "NothingToDo": 6,
    "OutOfMemory": 5,
    "Superseded": 4,
    "Busy": 4,
    "UserError": 2,
    "Stopped": 3,
    "Failure": 1,
}


def branch(kind: type) -> str:
    return next(name for name in EXIT if issubclass(kind, TREE[name]))


def test_the_drawing_is_the_tree() -> None:
    drawn: list[tuple[str, str]] = []
    above = [""]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^([│├└─ ]+)([A-Z]\w+) |^()(NoriaError)$", line)
        if found:
            lines, name = found[1] or "", found[2] or found[4]
            depth = len(lines) // 3
            above[depth + 1 :] = [name]
            drawn.append((name, above[depth]))
    assert dict(drawn) == {name: kind.__base__.__name__ if name != "NoriaError" else "" for name, kind in TREE.items()}


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_a_leaf_says_what_where_and_what_to_do(kind: type[NoriaError]) -> None:
    error = kind("the disk is full", where="the home", do="Free some space.")
    assert str(error) == "the disk is full (the home). Free some space."
    assert (error.what, error.where, error.do) == ("the disk is full", "the home", "Free some space.")
    with pytest.raises(TypeError):
        kind("the disk is full")  # type: ignore[call-arg]


def raised(file: Path) -> Iterator[ast.Call]:
    """Every place of a file where an error of the tree is made."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TREE:
            yield node


def text(node: ast.expr) -> str | None:
    """The fixed end of a text in code; None if it is computed."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[-1]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda file: str(file.relative_to(SRC)))
def test_wherever_an_error_is_made_its_advice_is_a_sentence(file: Path) -> None:
    for call in raised(file):
        given = {word.arg: word.value for word in call.keywords}
        place = f"{file.name}:{call.lineno}"
        assert set(given) == {"where", "do"} or None in given, place
        advice = text(given["do"]) if "do" in given else None
        assert advice is None or re.search(r"[.?)'’]$", advice), f"{place}: {advice!r}"
        assert not (text(call.args[0]) or "").endswith("."), f"{place}: the sentence goes on after what"


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A command that ends with the error it is told."""
    (tmp_path / "ending.py").write_text(
        "import noria.errors\n\n\n"
        "def command(words):\n"
        "    made = getattr(noria.errors, words[0], None)\n"
        "    if made is None:\n"
        "        raise {'stop': KeyboardInterrupt, 'disk': OSError}.get(words[0], ZeroDivisionError)()\n"
        "    raise made('it is so', where='here', do='Do that.')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(cli.COMMANDS, "ending", ("ending", "end with an error"))
    return "ending"


@pytest.mark.parametrize("kind", TREE.values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["text", "json"])
def test_a_kind_of_error_has_its_exit_code(
    ending: str, kind: type, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = 1 if kind is NoriaError else EXIT[branch(kind)]
    assert cli.main([ending, kind.__name__, *flags]) == expected
    out, err = capsys.readouterr()
    assert err == "noria: it is so (here). Do that.\n"
    assert not flags or json.loads(out) == {"error": "it is so (here). Do that.", "code": expected}
    assert flags or out == ""


@pytest.mark.parametrize(("word", "code"), [("stop", 130), ("disk", 1), ("anything else", 1)])
def test_what_nobody_foresaw_is_one_sentence_too(
    ending: str, word: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([ending, word]) == code
    err = capsys.readouterr().err
    assert err.startswith("noria: ")
    assert err.count("\n") == 1


def test_the_help_says_the_exit_codes() -> None:
    assert (cli.OK, cli.FAILED, cli.MISTAKE, cli.STOPPED) == (0, 1, 2, 3)
    assert (cli.LOST, cli.MEMORY, cli.NOTHING, cli.WAITING) == (4, 5, 6, 7)
    assert inspect.cleandoc(cli.overview()).count("Exit codes: 0 done, 1 failed, 2 a mistake") == 1
