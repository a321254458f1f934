"""What the metadata store says must be served, as one value; the server compares values and acts on differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from noria.digest import Digest
from noria.errors import NotFound
from noria.serve.keeping import Keeping
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
    """One endpoint: how its traffic is divided, and all versions that may be asked for by number.

    shadow
        Versions that get copies of requests, and whose answers nobody gets.
    explore
        The share of requests that a version drawn by chance answers.
    """

    name: str
    revision: int
    weights: Mapping[str, int]
    salt: str
    versions: Mapping[int, Known]
    shadow: tuple[int, ...] = ()
    explore: float = 0.0

    @property
    def routed(self) -> set[int]:
        """The versions that the route names."""
        return {int(number) for number, weight in self.weights.items() if weight > 0} | set(self.shadow)


class Source(Protocol):
    """Where a server learns what to serve. Both methods may block; the server calls them off its event loop."""

    def wanted(self) -> Mapping[str, Wanted]: ...

    def fetch(self, known: Known) -> tuple[bytes, str | None, Keeping | None]:
        """The bytes of the package, which the host verifies, the column that names the subject of its rows, and what is
        kept of its predictions; None: all."""
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
                shadow = tuple(number for number in map(int, route.shadow) if number in versions)
                found[route.endpoint] = Wanted(
                    route.endpoint, route.revision, weights, route.salt, versions, shadow, route.explore
                )
            return found

    def fetch(self, known: Known) -> tuple[bytes, str | None, Keeping | None]:
        return self.artifacts.get(Digest(known.package)), *self._declared(known.run)

    def _declared(self, run: str) -> tuple[str | None, Keeping | None]:
        with self.store.read() as c:
            try:
                plan = runs.get(c, run).plan
                collect, deploy = plan.step("collect").config, plan.step("deploy").config
            except (NotFound, KeyError):
                return None, None
        subject, keeping = collect.get("schema", {}).get("subject"), Keeping.of(deploy)
        if subject is None or (keeping is not None and subject in keeping.redact):
            return None, keeping
        return str(subject), keeping
