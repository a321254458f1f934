"""What people see: tables, JSON, progress; and the one way in which commands are made."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree
from typer.exceptions import TyperException

from noria import settings
from noria.cli.home import find_home
from noria.errors import NotFound, UserError
from noria.report.plain import plain as plain
from noria.run.place import Place, open_place

console = Console(highlight=False, soft_wrap=True)
PIPE = 10_000  # columns of a table that no terminal shows
MOST = 10  # names that a sentence lists
STATE_STYLE = {"done": "green", "reused": "cyan", "blocked": "yellow", "stopped": "yellow", "failed": "red"}


def app(help: str) -> typer.Typer:
    """A Typer application in the house style."""
    return typer.Typer(help=help, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def run_app(app: typer.Typer, word: str, words: list[str]) -> int:
    """Run a Typer application as ``noria WORD``; usage mistakes become a ``UserError``."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=words or ["--help"], prog_name=f"noria {word}", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except TyperException as error:
        context = getattr(error, "ctx", None)  # only a usage mistake knows its command
        where = context.command_path if context else f"noria {word}"
        raise UserError(error.format_message().rstrip("."), where=where, do=f"See '{where} --help'.") from error
    return code if isinstance(code, int) else 0


def place_for(file: Path | None = None) -> Place:
    """The stores for a lifecycle file, or for the current folder."""
    start = Path.cwd() if file is None else file.resolve().parent
    return open_place(settings.load(find_home(start)))


def existing_place() -> Place:
    """The stores for the current folder; ``UserError`` if nothing was ever run here."""
    found = settings.load(find_home(Path.cwd()))
    local = Path(found.db.removeprefix("sqlite:///")).is_relative_to(found.home)
    if local and not found.home.exists():  # a database elsewhere needs no home yet: a fresh worker has none
        raise UserError(
            "there is no noria home here", where=str(found.home), do="Go to the project's folder, or set NORIA_HOME."
        )
    return open_place(found)


def unknown(kind: str, name: str, known: Collection[str], *, where: str) -> NotFound:
    """The error that nothing has this name; it says what was probably meant, or what there is."""
    near, some = get_close_matches(name, known, n=1), sorted(known)[:MOST]
    there = ", ".join(some) + (", …" if len(known) > MOST else "") if some else "none yet"
    do = f"Did you mean {near[0]}?" if near else f"There are: {there}."
    return NotFound(f"no {kind} {name}", where=where, do=do)


def number(text: str) -> int | None:
    """A version's number; None if it is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def say(text: str) -> None:
    """Print a sentence as it is: what people wrote in it is no markup."""
    console.print(text, markup=False)


def show_json(value: Any) -> None:
    """Print plain data as JSON: times as ISO 8601, what is not a number as null."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a table, or a sentence if there are none; one line a row where nobody reads along."""
    if not rows:
        say(f"{title}: none yet.")
        return
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    (console if console.is_terminal else Console(width=PIPE)).print(table)


def show_tree(tree: Tree) -> None:
    """Print a tree; one line a twig where nobody reads along."""
    (console if console.is_terminal else Console(width=PIPE, highlight=False)).print(tree)


def cell(value: Any) -> str:
    """One value as people read it."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {cell(one)}" for key, one in value.items())
    return str(value)
