"""The endpoint that a command names."""

from noria.cli import output
from noria.run.place import Place
from noria.store import routes


def must_be_known(place: Place, endpoint: str) -> None:
    """Raise ``NotFound``, with the names that are near, if there is no such endpoint."""
    with place.store.read() as c:
        known = routes.endpoints(c)
    if endpoint not in known:
        raise output.unknown("endpoint", endpoint, known, where="routes")


def place_of(endpoint: str) -> Place:
    """The project's stores, in which the endpoint is known."""
    place = output.existing_place()
    must_be_known(place, endpoint)
    return place
