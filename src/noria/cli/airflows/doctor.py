"""noria doctor --airflow: settings that make Airflow slow, or lose or double work."""

from noria.airflow.stack import checks, effective
from noria.airflow.stack.choice import load
from noria.cli import output
from noria.cli.airflows import here
from noria.errors import Failure


def doctor(json: bool) -> int:
    """Check the settings in force; exit code 1 if one is wrong."""
    folder = here.folder()
    known = load(folder) is not None
    found = effective.of_stack(folder, checks.OPTIONS) if known else effective.of_environment(checks.OPTIONS)
    seen = list(checks.findings(found))
    wrong = [one.wrong for one in seen if one.wrong]
    what = (
        ("the running stack" if found.running else "the stack, at its next start") if known else "Airflow on the PATH"
    )
    if json:
        rows = [{"option": one.option, "value": one.value, "wrong": one.wrong or None} for one in seen]
        output.show_json({"of": what, "broker": found.broker or None, "settings": rows})
        return 1 if wrong else 0
    output.show_table(what, ["setting", "value", "state"], [(o.option, o.value, o.wrong or "ok") for o in seen])
    if wrong:
        raise Failure(f"{len(wrong)} of {len(seen)} settings are wrong", where=what, do="See the table above.")
    return 0
