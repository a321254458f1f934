"""noria airflow: the same lifecycle on Apache Airflow."""

from noria.cli import output
from noria.cli.airflows import down, logs, status, up

app = output.app("The same lifecycle on Apache Airflow.")
for word in (up.up, down.down, status.status, logs.logs):
    app.command()(word)


def command(words: list[str]) -> int:
    return output.run_app(app, "airflow", words)
