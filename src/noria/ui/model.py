"""Models: versions and how they score, gates with their evidence, and what a person decides about them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from noria.errors import NoriaError
from noria.governance import dossier as dossiers
from noria.release import approve as approval
from noria.release import card as cards
from noria.release import history, promote, record
from noria.run.dossier import gather
from noria.store import audit, erasures, overview, registry, routes, runs
from noria.ui import charts, find, kept
from noria.ui.ask import Ask, File, Gone, Shown
from noria.ui.door import RELEASE
from noria.ui.words import marked

PAGE = 50  # versions
FOREMOST = ("roc_auc", "rmse", "accuracy")


def listing(ask: Ask) -> Shown:
    """All models, with the version that answers, and what waits."""
    with ask.place.store.read() as c:
        versions = registry.versions(c)
        names = sorted({one.model for one in versions} | set(overview.asked(c)))
        rows = [_row(c, name, [one for one in versions if one.model == name]) for name in names]
    return Shown("models.html", {"models": rows})


def _row(c: Connection, name: str, versions: Sequence[registry.ModelVersion]) -> dict[str, Any]:
    aliases, asked = registry.aliases(c, name), approval.waiting(c, name)
    champion = next((one for one in versions if one.number == aliases.get(registry.CHAMPION)), None)
    return {
        "model": name,
        "versions": len(versions),
        "aliases": aliases,
        "metrics": _foremost(champion.metrics) if champion else {},
        "waiting": asked.id if asked else None,
        "newest": versions[-1].created_at if versions else None,
    }


def _foremost(metrics: Mapping[str, float]) -> dict[str, float]:
    names = [name for name in FOREMOST if name in metrics] or list(metrics)[:1]
    return {name: metrics[name] for name in names[:2]}


def one(ask: Ask) -> Shown:
    """One version: what it was made of, what it scored, why it was released; and what one may do with it."""
    name = ask.name("name")
    with ask.place.store.read() as c:
        version = find.model(c, name)
        release = registry.get_release(c, version.release_id)
        versions = registry.versions(c, version.model)
        values = {
            "version": version,
            "release": release,
            "versions": versions[::-1][:PAGE],
            "aliases": registry.aliases(c, version.model),
            "route": routes.newest(c, version.model),
            "learned": erasures.flagged(c).get((version.model, version.number), []),
            "spans": history.history(c, version.model)[::-1][:PAGE],
            "waiting": approval.waiting(c, version.model),
            "metrics": _metrics(version, versions),
            "study": kept.outputs(ask.place, version.run_id, "tune").get("study.json") is not None,
            "analysis": kept.outputs(ask.place, version.run_id, "analyze").get("analysis.json") is not None,
            "card": _card(ask, version),
            "expected": audit.mark(c, *subjects(version.model)),
            "live_at": _live_at(c, ask, version.model),
        }
    return Shown("model.html", values)


def subjects(model: str) -> tuple[str, ...]:
    """What decisions about a model are about, as the log of decisions names it."""
    return f"model:{model}", f"endpoint:{model}"


def _metrics(version: registry.ModelVersion, versions: Sequence[registry.ModelVersion]) -> list[dict[str, Any]]:
    """Each metric, beside that of the version before."""
    before = next((one for one in versions[::-1] if one.number < version.number), None)
    return [
        {"metric": name, "value": value, "before": before.metrics.get(name) if before else None}
        for name, value in version.metrics.items()
    ]


def _card(ask: Ask, version: registry.ModelVersion) -> str | None:
    for word in ("release", "import"):
        found = kept.outputs(ask.place, version.run_id, word).get("card.html")
        if found:
            return found.digest.hex
    return None


def _live_at(c: Connection, ask: Ask, model: str) -> dict[str, Any] | None:
    """What was live at a time that was asked for; a time that is none says so."""
    text = ask.query("at")
    if not text:
        return None
    try:
        found = history.live(c, model, history.moment(text, datetime.now(UTC)))
    except NoriaError as error:
        return {"asked": text, "trouble": f"{error.what}. {error.do}", "aliases": {}, "weights": {}}
    weights = dict(found.route.weights) if found.route else {}
    return {"asked": text, "trouble": "", "aliases": found.aliases, "weights": weights, "at": found.at}


def waiting(ask: Ask) -> Shown:
    """A candidate that waits for a person: what the gates said, its card, and the two answers."""
    with ask.place.store.read() as c:
        release = registry.get_release(c, ask.name("release"))
        decided = None
        if release.decision == approval.WAITING:
            found = record.read(ask.place.artifacts, release)
            decided = approval.decided(c, release.model, release.id, found.get("package", ""))
        run = runs.get(c, release.run_id)
        expected = audit.mark(c, *subjects(release.model))
        champion = registry.champion(c, release.model)
    facts = kept.document(ask.place, run.id, "release", "release.json") or {}
    card = kept.outputs(ask.place, run.id, "release").get("card.html")
    values = {
        "release": release,
        "decided": decided,
        "verdicts": release.verdicts,
        "params": facts.get("params", {}),
        "metrics": (facts.get("analysis") or {}).get("metrics", {}),
        "champion": champion,
        "card": card.digest.hex if card else None,
        "expected": expected,
    }
    return Shown("waiting.html", values)


def dossier(ask: Ask) -> File | Shown:
    """What an auditor asks for of a version, for a reader without noria: one page, or JSON."""
    with ask.place.store.read() as c:
        version = find.model(c, ask.name("name"))
    found = gather(ask.place, version)
    if "application/json" in ask.request.headers.get("accept", ""):
        return Shown("", found)
    return File(dossiers.html(found, list(cards.sections(found["record"]))), "text/html")


def metrics_chart(ask: Ask) -> File | Shown:
    """A metric over the versions."""
    with ask.place.store.read() as c:
        versions = registry.versions(c, find.model(c, ask.query("of")).model)[-200:]
    names = list(dict.fromkeys(name for one in versions for name in one.metrics))
    wanted = ask.query("metric") or next((name for name in FOREMOST if name in names), next(iter(names), ""))
    rows = [{"version": one.number, "value": one.metrics[wanted]} for one in versions if wanted in one.metrics]
    drawn = charts.lines(rows, "version:O", "value:Q", title=wanted) if rows else None
    return charts.answer(ask, drawn)


def approve(ask: Ask) -> Gone:
    """Say yes to a candidate."""
    ask.must(RELEASE)
    person, id = ask.person(), ask.name("release")
    with ask.place.store.begin() as c:
        ask.seen(c, *subjects(registry.get_release(c, id).model))
        made = approval.approve(c, ask.place.artifacts, ask.place.clock, id, person)
    return Gone(f"/model/{made.model}@{made.number}", marked("It is released; the next turn deploys it."))


def refuse(ask: Ask) -> Gone:
    """Say no to a candidate."""
    ask.must(RELEASE)
    person, id = ask.person(), ask.name("release")
    with ask.place.store.begin() as c:
        ask.seen(c, *subjects(registry.get_release(c, id).model))
        made = approval.refuse(c, ask.place.artifacts, ask.place.clock, id, person)
    return Gone(f"/run/{made.run_id}", marked("The candidate is refused; the champion goes on serving."))


def promoted(ask: Ask) -> Gone:
    """Make a version the champion, with all the traffic."""
    ask.must(RELEASE)
    person = ask.person()
    with ask.place.store.begin() as c:
        version = find.model(c, ask.name("name"))
        ask.seen(c, *subjects(version.model))
        promote.promote(c, ask.place.clock, version, actor=person.name, reason=person.reason)
    return Gone(f"/route/{version.model}", marked("It is the champion; servers follow within a second."))


def rollback(ask: Ask) -> Gone:
    """Bring back the champion before this one, or all that was live at a time."""
    ask.must(RELEASE)
    person, model = ask.person(), ask.name("name").partition("@")[0]
    text = ask.given("at").strip()
    with ask.place.store.begin() as c:
        find.model(c, model)
        ask.seen(c, *subjects(model))
        who = {"actor": person.name, "reason": person.reason}
        if text:
            at = history.moment(text, ask.place.clock.now())
            promote.restore(c, ask.place.clock, model, at, **who)
        else:
            promote.rollback(c, ask.place.clock, model, **who)
    return Gone(f"/route/{model}", marked("It is as it was; servers follow within a second."))
