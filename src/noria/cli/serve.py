"""noria serve: the model server."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output
from noria.errors import UserError
from noria.store import routes

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
) -> int:
    """Serve every model that has a route, and follow routes as they change; Ctrl-C ends it."""
    from noria.serve.server import serve as run

    place = output.existing_place()
    with place.store.read() as c:
        served = routes.all_newest(c)
    place.store.close()
    if not served:
        raise UserError(
            "there is no model to serve yet", where=str(place.settings.home), do="Make one with 'noria run FILE'."
        )
    beside = (port + 1 if port else 0) if grpc_port is None else grpc_port
    run(place.settings, host=host, port=port, grpc_port=beside if grpc else None, workers=workers, ready_file=ready)
    return 0


def command(words: list[str]) -> int:
    return output.run_app(app, "serve", words or ["--port", "8080"])
