"""noria airflow up: the whole stack on this machine."""

from typing import Annotated

import typer

from noria.airflow.stack import control
from noria.airflow.stack.choice import Choice
from noria.cli import output
from noria.cli.airflows import here
from noria.cli.airflows.status import as_plain, show
from noria.errors import UserError


def up(
    executor: Annotated[
        str, typer.Option(help="local: one machine, no server. celery: workers and a broker.")
    ] = "local",
    broker: Annotated[str, typer.Option(help="Of Celery: redis or rabbitmq.")] = "redis",
    workers: Annotated[int, typer.Option(help="Celery workers of the default pool.")] = 2,
    slots: Annotated[int, typer.Option(help="Tasks that a worker does at once.")] = 2,
    pool: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=SLOTS]", help="A further pool; with SLOTS it has a worker of its own. Repeat it."),
    ] = None,
    schedulers: Annotated[int, typer.Option(help="Schedulers; two survive each other.")] = 1,
    port: Annotated[int, typer.Option(help="Of the web pages and the API; 0: 8080 if it is free, else any.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Start Airflow with all it needs on this machine; started already, what does not run of it. Data are kept."""
    chosen = Choice(executor, broker, workers, slots, _pools(pool or []), schedulers, port)
    say = (lambda text: None) if json else output.say
    if executor == "celery" and here.leaves_runs_behind():
        say("Runs that were made in this home's SQLite database stay there: with Celery, records are in PostgreSQL.")
    found = control.up(here.folder(), chosen, project=here.project(), variables=here.variables(), say=say)
    if json:
        output.show_json(as_plain(found))
        return 0
    show(found)
    output.say(f"{found.stack.url}: sign in as admin; passwords are in {found.stack.folder.root / 'passwords.json'}")
    return 0


def _pools(words: list[str]) -> dict[str, int]:
    pools = {}
    for word in words:
        name, _, slots = word.partition("=")
        if not name or name == "default" or not (slots or "0").isdecimal():
            raise UserError(f"no pool {word!r}", where="--pool", do="Give a name, or name=slots, such as highmem=1.")
        pools[name] = int(slots or 0)
    return pools
