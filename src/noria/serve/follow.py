"""What the metadata store says must be served, as one value; the server compares values and acts on differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from noria.digest import Digest
from noria.errors import NotFound
from noria.model import package
from noria.model.package import Package
from noria.store import registry, routes, runs
from noria.store.artifacts import ArtifactStore
from noria.store.engine import Store


@dataclass(frozen=True, slots=True)
class Known:
    """A version that could be served: ``package`` is the digest of its bytes, ``variant`` its part in the route."""

    number: int
    package: str
    release: str
    run: str
    variant: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One endpoint: how its traffic is divided, and all versions that may be asked for by number."""

    name: str
    revision: int
    weights: Mapping[str, int]
    salt: str
    versions: Mapping[int, Known]


class Source(Protocol):
    """Where a server learns what to serve. Both methods may block; the server calls them off its event loop."""

    def wanted(self) -> Mapping[str, Wanted]: ...

    def fetch(self, known: Known) -> tuple[Package, str | None]:
        """The verified package, and the column that names the subject of its rows."""
        ...


@dataclass(frozen=True, slots=True)
class Registry:
    """Implements ``Source`` on the project's stores."""

    store: Store
    artifacts: ArtifactStore

    def wanted(self) -> dict[str, Wanted]:
        with self.store.read() as c:
            found = {}
            for route in routes.all_newest(c):
                aliases = {number: alias for alias, number in registry.aliases(c, route.endpoint).items()}
                versions = {
                    one.number: Known(
                        one.number, one.package, one.release_id, one.run_id, aliases.get(one.number, f"v{one.number}")
                    )
                    for one in registry.versions(c, route.endpoint)
                }
                weights = dict(route.weights)
                found[route.endpoint] = Wanted(route.endpoint, route.revision, weights, route.salt, versions)
            return found

    def fetch(self, known: Known) -> tuple[Package, str | None]:
        digest = Digest(known.package)
        packed = package.from_bytes(self.artifacts.get(digest), digest, where=f"artifact {digest}")
        return packed, self._subject(known.run)

    def _subject(self, run: str) -> str | None:
        with self.store.read() as c:
            try:
                config: Mapping[str, Any] = runs.get(c, run).plan.step("collect").config
            except (NotFound, KeyError):
                return None
        subject = config.get("schema", {}).get("subject")
        return None if subject is None else str(subject)
