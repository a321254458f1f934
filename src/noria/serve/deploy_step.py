"""Deploy: the released version gets its share of the endpoint's traffic; running servers follow within a second."""

from noria.store import registry, routes
from noria.store.attempt import Attempt

FORMAT = 1
USES = {"release": ("decision", "model", "number", "release", "champion")}


def run(attempt: Attempt) -> None:
    """Stage the endpoint's next route revision."""
    facts = attempt.inputs["release"].facts
    weights = divide(facts["champion"], facts["number"], attempt.config.champion, attempt.config.challenger)
    reason = f"release {facts['release']}"
    attempt.facts.update(endpoint=attempt.lifecycle, weights=weights)

    def keep(c) -> None:  # type: ignore[no-untyped-def]
        routes.set_weights(c, attempt.clock, attempt.lifecycle, weights, actor="deploy", reason=reason,
                           explore=attempt.config.explore)  # fmt: skip
        if list(weights) == [str(facts["number"])] and facts["champion"] is not None:
            registry.set_alias(c, attempt.clock, attempt.lifecycle, registry.CHAMPION, facts["number"], actor="deploy",
                               reason=reason)  # fmt: skip
            registry.set_alias(c, attempt.clock, attempt.lifecycle, registry.CHALLENGER, None, actor="deploy",
                               reason=reason)  # fmt: skip

    attempt.commit_with(keep)


def divide(champion: int | None, candidate: int, champion_weight: int, challenger_weight: int) -> dict[str, int]:
    """Weights by version: all to the candidate if it is the first, or if nothing is to be tried beside the champion."""
    if champion in (None, candidate) or challenger_weight == 0:
        return {str(candidate): 100}
    return {str(champion): champion_weight, str(candidate): challenger_weight}
