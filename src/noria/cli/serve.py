"""noria serve: the model server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from noria.cli import output
from noria.cli.output import console

app = output.app("Serve every model that has a route.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.")] = 8080,
    workers: Annotated[int, typer.Option(help="Server processes, all on the same port.", min=1)] = 1,
    ready: Annotated[
        Path | None, typer.Option("--ready-file", help="Write the address here once requests are answered.")
    ] = None,
) -> int:
    """Serve every model that has a route, and follow routes as they change; Ctrl-C ends it."""
    from noria.serve.server import ready_file
    from noria.serve.server import serve as run

    place = output.existing_place()
    place.store.close()

    def started(url: str) -> None:
        console.print(f"noria serves at [bold]{url}[/] (Ctrl-C ends it)")
        console.print(f"  [dim]curl {url}/v2/models[/]")
        if ready is not None:
            ready_file(ready, url)

    run(
        place.settings,
        host=host,
        port=port,
        workers=workers,
        started=started,
        trouble=lambda message: console.print(f"[red]! {escape(message)}[/]"),
    )
    return 0


def command(words: list[str]) -> int:
    return output.run_app(app, "serve", words or ["--port", "8080"])
