"""noria ui: the web pages."""

from pathlib import Path
from typing import Annotated

import typer

from noria.cli import output

app = output.app("The web pages: see the wheel turn, find out why, decide.")
PORT = 8090


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.", min=0, max=65535)] = PORT,
    ready: Annotated[
        Path | None, typer.Option("--ready-file", help="Write the address here once pages are shown.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine though no token holds.")
    ] = False,
    tls_cert: Annotated[str, typer.Option(help="Certificate, a PEM file: pages by TLS only.")] = "",
    tls_key: Annotated[str, typer.Option(help="Its key, a PEM file without a password.")] = "",
) -> int:
    """Show the pages of this project; Ctrl-C ends it, and turns that were started from them go on."""
    from noria.serve.options import Options
    from noria.ui.server import serve

    place = output.existing_place()
    place.store.close()
    Options(cert=tls_cert, key=tls_key).check()
    output.say(f"http{'s' if tls_cert else ''}://{host}:{port or '…'}")
    serve(place.settings, host=host, port=port, ready_file=ready, insecure=insecure, cert=tls_cert, key=tls_key)
    return 0


def command(words: list[str]) -> int:
    return output.run_app(app, "ui", words or ["--port", str(PORT)])
