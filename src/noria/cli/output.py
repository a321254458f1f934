"""What people see: tables, JSON, progress; and the one way in which commands are made."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import TyperException

from noria import settings
from noria.cli.home import find_home
from noria.errors import UserError
from noria.run.place import Place, open_place

console = Console(highlight=False, soft_wrap=True)
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
        message = error.format_message() if isinstance(error, typer.BadParameter.__mro__[2]) else str(error)
        raise UserError(message, where=f"noria {word}", do=f"See 'noria {word} --help'.") from error
    return code if isinstance(code, int) else 0


def place_for(file: Path | None = None) -> Place:
    """The stores for a lifecycle file, or for the current folder."""
    start = Path.cwd() if file is None else file.resolve().parent
    return open_place(settings.load(find_home(start)))


def existing_place() -> Place:
    """The stores for the current folder; ``UserError`` if nothing was ever run here."""
    folder = find_home(Path.cwd())
    found = settings.load(folder)
    if not found.home.exists():
        raise UserError(
            "there is no noria home here", where=str(found.home), do="Go to the project's folder, or set NORIA_HOME."
        )
    return open_place(found)


def show_json(value: Any) -> None:
    """Print plain data as JSON, times as ISO 8601."""
    print(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a table, or a sentence if there are none."""
    if not rows:
        console.print(f"{title}: none yet.")
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    console.print(table)


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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    slots: Callable[[Any], Any] = lambda one: {name: getattr(one, name) for name in one.__slots__}  # noqa: E731
    return slots(value) if hasattr(value, "__slots__") else str(value)
