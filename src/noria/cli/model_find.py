"""The words that name a model version, and the version they name."""

from typing import Annotated

import typer

from noria.cli import output
from noria.run.place import Place
from noria.store import registry

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(metavar="MODEL[@VERSION]", help="Such as loans, loans@3 or loans@champion.")]
Model = Annotated[str, typer.Argument(metavar="MODEL")]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]


def find(place: Place, name: str) -> registry.ModelVersion:
    """The version that ``MODEL``, ``MODEL@3`` or ``MODEL@champion`` names."""
    model, _, which = name.partition("@")
    must_be_known(place, model)
    with place.store.read() as c:
        names = registry.aliases(c, model)
        number = names.get(which or registry.CHAMPION, output.number(which))
        if number is None:
            raise output.unknown("alias", f"{model}@{which or registry.CHAMPION}", names, where="registry")
        return registry.version(c, model, number)


def must_be_known(place: Place, model: str) -> None:
    """``NotFound`` if no version of the model was ever released."""
    with place.store.read() as c:
        known = {one.model for one in registry.versions(c)}
    if model not in known:
        raise output.unknown("model", model, known, where="registry")
