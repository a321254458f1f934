"""Experiments at work: begun, looked at, and ended with what follows for the route, in one transaction each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from noria.data import captured
from noria.digest import Digest
from noria.errors import UserError
from noria.feedback.experiment import GO_ON, PROMOTE, STOP, Rules, Verdict, timely, verdict
from noria.feedback.exposure import arms
from noria.feedback.look import Asked
from noria.release.promote import promote
from noria.run import notify
from noria.run.place import Place
from noria.store import alerts, experiments, registry, routes, runs
from noria.store.alerts import Sent
from noria.store.experiments import DECIDED, PROPOSED, RUNNING, STOPPED, Experiment

COLUMNS = ("id", "at", "version", "variant", "subject", "inputs", "outputs")
ALL = 100  # the weights' sum


@dataclass(frozen=True, slots=True)
class Looked:
    """An experiment as it is, and what its numbers say now (of one that is closed: said last)."""

    experiment: Experiment
    verdict: Verdict


def task_of(place: Place, endpoint: str) -> str:
    """The task of an endpoint's model."""
    with place.store.read() as c:
        newest = runs.newest(c, endpoint)
    return Asked.of_plan(newest[0].plan).schema.task if newest else "classification"


def start(
    place: Place, endpoint: str, challenger: int, rules: Rules, *, share: int, approval: str, reason: str
) -> Experiment:
    """Divide an endpoint's traffic between its champion and a challenger, to find out which is better.

    Parameters
    ----------
    share
        The challenger's share of the subjects, in percent.
    approval
        ``automatic``: what the numbers say is done; ``person``: it waits for somebody's word, unless it does harm.

    Raises
    ------
    UserError
        If there is nothing to compare, or an experiment is under way.
    """
    with place.store.begin() as c:
        champion = registry.champion(c, endpoint)
        found = registry.version(c, endpoint, challenger)
        if champion is None or champion.number == found.number:
            raise UserError(
                f"{endpoint}@{challenger} is the champion" if champion else f"{endpoint} has no champion",
                where="noria experiment start",
                do="Name another version: see 'noria model list'.",
            )
        before = routes.newest(c, endpoint)
        weights = {str(champion.number): ALL - share, str(challenger): share}
        held = experiments.running(c, endpoint)
        if held is None:
            who, why = place.settings.actor, f"experiment: {reason}"
            registry.set_alias(c, place.clock, endpoint, registry.CHALLENGER, challenger, actor=who, reason=why)
            routes.set_weights(c, place.clock, endpoint, weights, actor=who, reason=why)
        now = routes.newest(c, endpoint)
        return experiments.start(
            c,
            place.clock,
            Experiment(
                endpoint=endpoint,
                number=0,
                champion=champion.number,
                challenger=challenger,
                state=RUNNING,
                rules=rules.plain(),
                approval=approval,
                weights=weights,
                before=dict(before.weights) if before else {},
                revision=now.revision if now else 0,
                started_at=place.clock.now(),
                started_by=place.settings.actor,
                reason=reason,
            ),
        )


def look(place: Place, one: Experiment) -> Looked:
    """What an experiment's numbers say now; nothing is changed."""
    if not one.open:
        return Looked(one, Verdict(one.verdict or GO_ON, one.why or "", one.evidence or {}))
    rules = Rules.of(one.rules)
    joined = captured.joined(place.settings, one.endpoint, COLUMNS)
    weights = {one.champion: one.weights[str(one.champion)], one.challenger: one.weights[str(one.challenger)]}
    fresh = str(one.challenger) not in one.before
    champion, challenger, both = arms(joined, task_of(place, one.endpoint), rules, weights, one.started_at, fresh=fresh)
    said = verdict(champion, challenger, rules)
    said = Verdict(said.word, said.why, {**said.evidence, "answered_by_both": both}, said.harm)
    return Looked(one, timely(said, place.clock.now() - one.started_at, rules))


def check(place: Place, endpoint: str) -> Looked | None:
    """Look at the open experiment of an endpoint, and do what its numbers say; None if there is none.

    If somebody changed the route meanwhile, it is stopped: its traffic is not what it was to be.
    """
    with place.store.read() as c:
        one = experiments.running(c, endpoint)
        route = routes.newest(c, endpoint)
    if one is None:
        return None
    if route is not None and route.revision != one.revision and dict(route.weights) != dict(one.weights):
        why = f"the route was changed by {route.actor}: {route.reason}"
        return _close(place, one, Verdict(STOP, why, {}), STOPPED, actor="noria", follow=False)
    looked = look(place, one)
    if looked.verdict.word == GO_ON or (one.state == PROPOSED and not looked.verdict.harm):
        return looked
    if one.approval == "person" and not looked.verdict.harm:
        said = looked.verdict
        do = f"noria experiment decide {endpoint} {said.word} --reason '…'"
        sent = _alert(place, one, said, "waits for a decision", do)
        with place.store.begin() as c:
            proposed = experiments.propose(c, place.clock, one, said.word, said.why, said.evidence)
            if proposed:
                alerts.add(c, sent)
            now = experiments.get(c, endpoint, one.number)
        if proposed:
            notify.send(place, [sent])
        return Looked(now, said)
    return _close(place, one, looked.verdict, DECIDED, actor="noria")


def decide(place: Place, endpoint: str, word: str, reason: str) -> Looked:
    """What a person says of the open experiment: ``promote`` or ``stop``; the numbers as they are go on record."""
    one = opened(place, endpoint)
    evidence = look(place, one).verdict.evidence
    state = DECIDED if one.state == PROPOSED or word == PROMOTE else STOPPED
    return _close(place, one, Verdict(word, reason, evidence), state, actor=place.settings.actor)


def opened(place: Place, endpoint: str) -> Experiment:
    """The open experiment of an endpoint; ``UserError`` if there is none."""
    with place.store.read() as c:
        one = experiments.running(c, endpoint)
    if one is None:
        raise UserError(
            f"no experiment of {endpoint} is under way", where="experiments", do="See 'noria experiment list'."
        )
    return one


def _close(place: Place, one: Experiment, said: Verdict, state: str, *, actor: str, follow: bool = True) -> Looked:
    """End it, and let the route follow, unless another has changed that."""
    sent = _alert(place, one, said, "has ended", f"See 'noria experiment show {one.endpoint}'.")
    with place.store.begin() as c:
        closed = experiments.end(
            c, place.clock, one, state, verdict=said.word, why=said.why, evidence=said.evidence, actor=actor
        )
        if closed and follow:
            _follow(place, c, one, said, actor)
        if closed:
            alerts.add(c, sent)
        now = experiments.get(c, one.endpoint, one.number)
    if closed:
        notify.send(place, [sent])
    return Looked(now, said)


def _follow(place: Place, c, one: Experiment, said: Verdict, actor: str) -> None:  # type: ignore[no-untyped-def]
    reason = f"experiment {one.id}: {said.why}"
    if said.word == PROMOTE:
        version = registry.version(c, one.endpoint, one.challenger)
        promote(c, place.clock, version, actor=actor, reason=reason)
        return
    if registry.aliases(c, one.endpoint).get(registry.CHALLENGER) == one.challenger:
        registry.set_alias(c, place.clock, one.endpoint, registry.CHALLENGER, None, actor=actor, reason=reason)
    routes.set_weights(c, place.clock, one.endpoint, {str(one.champion): ALL}, actor=actor, reason=reason)


def _alert(place: Place, one: Experiment, said: Verdict, what: str, do: str) -> Sent:
    return Sent(
        id=Digest.of_json(["experiment", one.id, what, said.word]).hex[:32],
        lifecycle=one.endpoint,
        run_id=None,
        step=None,
        severity="warn" if said.harm else "info",
        what=f"experiment {one.id} {what}: {said.word}, {said.why}",
        where=f"{one.endpoint}@{one.champion} against {one.endpoint}@{one.challenger}",
        evidence=dict(said.evidence),
        do=do,
        at=place.clock.now(),
    )


def elapsed(one: Experiment, now: datetime) -> timedelta:
    """How long it has run, or ran."""
    return max(timedelta(0), (one.ended_at or now) - one.started_at)


def plain(looked: Looked) -> Mapping[str, object]:
    """As JSON has it."""
    one, said = looked.experiment, looked.verdict
    fields = {name: getattr(one, name) for name in Experiment.__slots__}
    return {"id": one.id, **fields, "says": said.word, "why": said.why, "evidence": dict(said.evidence)}
