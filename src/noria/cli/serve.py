"""noria serve: the model server."""

import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.serve.limits import MOST_ROWS, Limits
from noria.settings import Settings
from noria.store import routes

SIZE = re.compile(r"(\d{1,12}) ?([kmg]?b?)", re.IGNORECASE)
UNITS = {unit + end: 1 << 10 * power for power, unit in enumerate(("", "k", "m", "g")) for end in ("", "b")}
app = output.app("Serve every model that has a route.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.", min=0, max=65535)] = 8080,
    grpc_port: Annotated[
        int | None, typer.Option(help="Port for gRPC; the one after --port unless you say another.", min=0, max=65535)
    ] = None,
    grpc: Annotated[bool, typer.Option(help="Answer gRPC too.")] = True,
    workers: Annotated[int, typer.Option(help="Server processes, all on the same port.", min=1)] = 1,
    ready: Annotated[
        Path | None, typer.Option("--ready-file", help="Write the address here once requests are answered.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine though no token holds.")
    ] = False,
    tls_cert: Annotated[str, typer.Option(help="Certificate, a PEM file: REST and gRPC by TLS only.")] = "",
    tls_key: Annotated[str, typer.Option(help="Its key, a PEM file without a password.")] = "",
    max_body: Annotated[str, typer.Option(help="Largest request, such as 500kB or 64MB.")] = "64MB",
    max_rows: Annotated[int, typer.Option(help="Most rows of a request.", min=1, max=MOST_ROWS)] = MOST_ROWS,
    max_inputs: Annotated[int, typer.Option(help="Most inputs of a request.", min=1)] = 4_096,
    max_seconds: Annotated[
        float, typer.Option(help="For a request to come in whole, and again until its answer.", min=0.001)
    ] = 30,
    memory: Annotated[
        float, typer.Option(help="MB for versions outside the route that were asked for; the oldest go first.", min=0)
    ] = 2_000,
    access_log: Annotated[str, typer.Option(help="File for a line of JSON a request; - prints them.")] = "",
    ui: Annotated[bool, typer.Option("--ui", help="Show the pages too, in a process of their own.")] = False,
    ui_port: Annotated[int, typer.Option(help="Port of the pages; 0 takes any that is free.", min=0, max=65535)] = 8090,
    traces: Annotated[str, typer.Option(help="OpenTelemetry collector, such as http://127.0.0.1:4318.")] = "",
) -> int:
    """Serve every model that has a route, and follow routes as they change; Ctrl-C ends it."""
    from noria.serve.options import Options
    from noria.serve.server import serve as run

    limits = Limits(body=_bytes(max_body), rows=max_rows, tensors=max_inputs, seconds=max_seconds)
    options = Options(limits, access_log, traces, tls_cert, tls_key, memory_mb=memory)

    place = output.existing_place()
    with place.store.read() as c:
        served = routes.all_newest(c)
    place.store.close()
    if not served:
        raise UserError(
            "there is no model to serve yet", where=str(place.settings.home), do="Make one with 'noria run FILE'."
        )
    beside = (port + 1 if port else 0) if grpc_port is None else grpc_port
    with _pages(place.settings, host, ui_port, ready, insecure) if ui else nullcontext():
        run(
            place.settings,
            host=host,
            port=port,
            grpc_port=beside if grpc else None,
            workers=workers,
            ready_file=ready,
            options=options,
            insecure=insecure,
        )
    return 0


def _pages(
    settings: Settings, host: str, port: int, ready: Path | None, insecure: bool
) -> AbstractContextManager[None]:
    """The pages, as long as the server runs; their address goes to a file beside the server's, named ``….ui``."""
    from noria.ui.server import beside

    mine = ready.with_name(f"{ready.name}.ui") if ready else None
    return beside(settings, host=host, port=port, insecure=insecure, ready_file=mine)


def _bytes(text: str) -> int:
    found = SIZE.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise UserError(f"{text!r} is no size", where="--max-body", do="Write for example 500kB or 64MB.")
    return int(found[1]) * UNITS[found[2].lower()]


def command(words: list[str]) -> int:
    return output.run_app(app, "serve", words or ["--port", "8080"])
