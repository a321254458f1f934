"""Routes, read and changed over the network, each change in one transaction with its entry in the log of decisions."""

from collections.abc import Mapping
from dataclasses import dataclass

from noria.clock import Clock
from noria.errors import BadInput, NotFound
from noria.store import registry, routes
from noria.store.engine import Store
from noria.store.routes import Route

ANYBODY = "anybody"  # who decides where no token was ever made


@dataclass(frozen=True, slots=True)
class Manager:
    """Both methods block."""

    store: Store
    clock: Clock

    def show(self, endpoint: str) -> Route:
        """The revision in force; ``NotFound`` if there is no such endpoint."""
        with self.store.read() as c:
            found = routes.newest(c, endpoint)
        if found is None:
            raise NotFound(f"there is no route {endpoint}", where="routes", do="Ask /v2/models for what there is.")
        return found

    def change(
        self, endpoint: str, weights: Mapping[str, int], reason: str, actor: str | None, expected: int | None
    ) -> tuple[Route, bool]:
        """Divide the traffic anew; the revision in force, and whether it was the expected one before.

        Parameters
        ----------
        actor
            The name of the token that asks.
        expected
            The revision that the caller saw; another in force, and nothing is changed. None: whichever it is.

        Raises
        ------
        NotFound
            If there is no such endpoint or version.
        BadInput
            If no weight is above 0.
        """
        wanted = {str(number): weight for number, weight in ((int(n), w) for n, w in weights.items()) if weight > 0}
        if not wanted:
            raise BadInput("all weights are 0", where="weights", do="Give at least one version a weight.")
        self.show(endpoint)
        with self.store.begin() as c:
            there = routes.newest(c, endpoint)
            if there is not None and expected not in (None, there.revision):
                return there, False
            for number in wanted:
                registry.version(c, endpoint, int(number))
            return routes.set_weights(c, self.clock, endpoint, wanted, actor=actor or ANYBODY, reason=reason), True
