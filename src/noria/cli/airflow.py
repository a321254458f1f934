"""noria airflow: the same lifecycle on Apache Airflow."""

from noria.cli import output
from noria.cli.airflows import decide, down, export, logs, run, status, up

app = output.app("The same lifecycle on Apache Airflow.")
for word in (
    *(export.export, export.remove, up.up, down.down, status.status, logs.logs),
    *(run.begin, run.end, run.sweep, decide.decide),
):
    app.command()(word)


def command(words: list[str]) -> int:
    return output.run_app(app, "airflow", words)
