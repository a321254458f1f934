"""The words one can type: each has its module, its help and its JSON; a mistyped one leads to the right one."""

import ast
import json
from importlib import import_module
from pathlib import Path

import pytest
import typer

from noria.cli import main as cli

CLI = Path(cli.__file__).parent
COMPANIONS = {"glance"}  # the quick way of `run`: a command that is tried before it
PRINTS_NO_DATA = {"demo", "serve", "ui"}  # they tell a story, or answer over HTTP


def defines_command(file: Path) -> bool:
    return any(
        isinstance(part, ast.FunctionDef) and part.name == "command" for part in ast.parse(file.read_text()).body
    )


def commands() -> list[tuple[str, ...]]:
    """Every command by its words, such as ("data", "log")."""
    found: list[tuple[str, ...]] = []
    for word, (module, _) in cli.COMMANDS.items():
        made = typer.main.get_command(import_module(module).app)
        found += [(word, sub) for sub in made.commands] if hasattr(made, "commands") else [(word,)]
    return found


def test_the_words_are_the_modules_that_define_a_command() -> None:
    modules = {file.stem for file in CLI.glob("*.py") if defines_command(file)} - COMPANIONS
    assert modules == set(cli.COMMANDS)
    assert [module for module, _ in cli.COMMANDS.values()] == [f"noria.cli.{w}" for w in cli.COMMANDS]


def test_the_overview_names_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    first = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert [word for word in first if word != "noria"] == list(cli.COMMANDS)


@pytest.mark.parametrize(
    "words", [*((word,) for word in cli.COMMANDS), *(w for w in commands() if len(w) > 1)], ids=" ".join
)
def test_every_command_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert f"noria {' '.join(words)}" in out
    assert err == ""


@pytest.mark.parametrize("words", [one for one in commands() if one[0] not in PRINTS_NO_DATA], ids=" ".join)
def test_every_command_that_prints_data_can_print_json(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main([*words, "--help"])
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rnu", "run"),
        ("modle", "model"),
        ("dat", "data"),
        ("feedbak", "feedback"),
        ("trase", "trace"),
        ("docter", "doctor"),
    ],
)
def test_a_mistyped_word_suggests_the_near_one(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([typed]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"noria: there is no command {typed!r}. Did you mean 'noria {meant}'?\n")


@pytest.mark.parametrize("words", [one for one in commands() if len(one) > 1], ids=" ".join)
def test_a_mistyped_second_word_suggests_the_near_one(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = words
    assert cli.main([first, second + "x"]) == 2
    assert f"Did you mean '{second}'" in capsys.readouterr().err


def test_a_word_like_no_other_points_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["zzzzzz"]) == 2
    assert "See 'noria --help'." in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("data", "log", "--colour"), ("run",), ("route", "set"), ("step", "x")], ids=" ".join
)
def test_a_usage_mistake_names_the_help_of_its_command(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    assert code == 2
    assert json.loads(out)["error"] == err.removeprefix("noria: ").rstrip("\n")
    name = " ".join(["noria", *(word for word in words if not word.startswith("-") and word not in ("loans", "x"))])
    assert err.endswith(f"See '{name} --help'.\n")
