"""What a server says of itself and of its models: the same over every protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noria import __version__
from noria.errors import BadInput, NotFound
from noria.model.signature import Signature
from noria.serve.follow import Wanted
from noria.serve.host import Host, Loaded
from noria.serve.protocol import EXTENSIONS

DIGITS = 18  # more than any version number has


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the index of the repository; ``state`` is READY or UNAVAILABLE."""

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model, or one version of it: its inputs and outputs, and all versions that may be asked for."""

    wanted: Wanted
    loaded: Loaded

    @property
    def signature(self) -> Signature:
        return self.loaded.signature

    @property
    def versions(self) -> list[str]:
        return [str(number) for number in self.wanted.versions]

    @property
    def inputs(self) -> list[dict[str, Any]]:
        return [{"name": one.name, "datatype": one.datatype, "shape": [-1]} for one in self.signature.inputs]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The route, and the version that is described."""
        known = self.loaded.known
        return {
            "weights": dict(self.wanted.weights),
            "revision": self.wanted.revision,
            "version": str(known.number),
            "release": known.release,
            "package": known.package,
        }


def server() -> dict[str, Any]:
    return {"name": "noria", "version": __version__, "extensions": list(EXTENSIONS)}


def server_ready(host: Host) -> bool:
    """Whether requests are answered: the routes were read, and of the models that have one some stand ready.

    One model that cannot be loaded does not take the others' traffic away; ``ready`` tells of each.
    """
    return host.ready.is_set() and (bool(host.endpoints) or host.trouble is None)


def ready(host: Host, model: str, version: int | None) -> bool:
    """Whether a version is loaded; None: whether any of the model's is."""
    endpoint, _, loaded = host.pick(model, version, "")
    return bool(endpoint.loaded) if version is None else loaded is not None


async def model(host: Host, name: str, version: int | None) -> Model:
    """A model's description by the version asked for, which is loaded if it was not."""
    _, known, loaded = host.pick(name, version, "")
    return Model(host.endpoint(name).wanted, loaded or await host.load(name, known))


def index(host: Host, only_ready: bool = False) -> list[Entry]:
    """All versions of all models."""
    found = [
        Entry(name, str(number), "READY", "")
        if number in one.loaded
        else Entry(name, str(number), "UNAVAILABLE", "not loaded; a request for it loads it")
        for name, one in host.endpoints.items()
        for number in one.wanted.versions
    ]
    return [one for one in found if one.state == "READY"] if only_ready else found


async def load(host: Host, name: str, version: int | None) -> None:
    """Have a version ready, or all that the route gives traffic, which are so as soon as the route is followed."""
    endpoint = host.endpoint(name)
    for number in endpoint.split.versions if version is None else [version]:
        _, known, loaded = host.pick(name, number, "")
        if loaded is None:
            await host.load(name, known)


def unload(host: Host, name: str, version: int | None) -> None:
    """Let a version go, or all that were loaded though the route gives them no traffic.

    Raises
    ------
    BadInput
        If the route gives the version traffic: what answers is decided by the route, not here.
    """
    endpoint = host.endpoint(name)
    if version is not None and version in endpoint.split.versions:
        raise BadInput(
            f"version {version} of {name} has traffic", where="route", do="Take its weight away: noria route set."
        )
    idle = [n for n in endpoint.loaded if n not in endpoint.split.versions and version in (None, n)]
    host.forget(name, idle)


def number(version: str | None) -> int | None:
    """A version as it is asked for; nothing: the route decides."""
    if not version:
        return None
    if not (version.isascii() and version.isdecimal()) or len(version) > DIGITS:
        raise NotFound(f"version {version[:40]!r} is no number", where="version", do="Ask for one of the index.")
    return int(version)
