"""noria doctor: what is configured, what is reachable, what is wrong."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from noria import settings
from noria.cli import output
from noria.cli.airflows import doctor as on_airflow
from noria.cli.home import find_home
from noria.errors import Failure, NoriaError
from noria.run.place import open_place

app = output.app("What is configured, what is reachable, what is wrong.")
PARTS = ("polars", "deltalake", "sqlalchemy", "scikit-learn", "lightgbm", "optuna", "onnxruntime", "granian")


@app.command()
def doctor(
    airflow: Annotated[
        bool, typer.Option("--airflow", help="Airflow's settings and its broker's, as they are in force.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Check the settings and the stores; exit code 1 if something is wrong."""
    if airflow:
        return on_airflow.doctor(json)
    found = settings.load(find_home(Path.cwd()))
    rows: list[tuple[str, str, str]] = [("python", sys.version.split()[0], "ok")]
    rows += [(part, *_part(part)) for part in PARTS]
    rows += [("home", str(found.home), "ok" if found.home.exists() else "nothing was run here yet")]
    if found.home.exists():
        rows.append(_stores(found))
    rows.append(("alerts", f"{len(found.alerts)} channels", "ok" if found.alerts else "set NORIA_ALERTS to be told"))
    wrong = [state.removeprefix("wrong: ") for _, _, state in rows if state.startswith("wrong")]
    if json:
        output.show_json([{"what": a, "value": b, "state": c} for a, b, c in rows])
        return 1 if wrong else 0
    output.show_table("noria doctor", ["what", "value", "state"], rows)
    if wrong:
        raise Failure("; ".join(wrong), where="noria doctor", do="See the table above.")
    return 0


def _part(name: str) -> tuple[str, str]:
    try:
        return version(name), "ok"
    except PackageNotFoundError:
        return "–", f"wrong: {name} is not installed"


def _stores(found: settings.Settings) -> tuple[str, str, str]:
    try:
        place = open_place(found)
        with place.store.read():
            return ("stores", f"{place.store.url}, {found.artifacts}", "ok")
    except NoriaError as error:
        return ("stores", found.db, f"wrong: {error}")


def command(words: list[str]) -> int:
    return output.run_app(app, "doctor", words or ["--"])
