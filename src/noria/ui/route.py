"""Serving: who answers, how much and how fast, what is not in the tables yet; and the weights, to be moved."""

import time
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec

from noria import owner
from noria.data import captured
from noria.errors import BadInput, Overtaken
from noria.serve import segment
from noria.serve.manage import Manager
from noria.serve.meter import BOUNDS, SUFFIX, Histogram, Totals
from noria.store import audit, experiments, registry, routes
from noria.ui import experiment, find
from noria.ui.ask import Ask, Gone, Shown
from noria.ui.door import RELEASE
from noria.ui.words import marked

METERS = "meters"  # a folder of the spool
RECENT = 20  # predictions
HELD = 50  # revisions


def listing(ask: Ask) -> Shown:
    """All endpoints."""
    with ask.place.store.read() as c:
        found = routes.all_newest(c)
        aliases = {one.endpoint: registry.aliases(c, one.endpoint) for one in found}
    return Shown("routes.html", {"routes": found, "aliases": aliases, "served": served(ask)})


def one(ask: Ask) -> Shown:
    """One endpoint: its route, what its versions answered, and the newest predictions."""
    name = ask.name("endpoint")
    with ask.place.store.read() as c:
        route = find.endpoint(c, name)
        history = routes.history(c, name)[::-1][:HELD]
        aliases = registry.aliases(c, name)
        versions = registry.versions(c, name)[::-1]
        expected = audit.mark(c, f"endpoint:{name}", f"model:{name}")
        held = experiments.running(c, name)
    marks = captured.versions(ask.place.settings, name)
    says = experiment.said(ask, held).value if held is not None else None
    recent = ask.slow.get(("recent", name), marks, lambda: _recent(ask, name))
    values = {
        "route": route,
        "history": history,
        "experiment": held,
        "says": says.verdict if says is not None else None,
        "aliases": aliases,
        "versions": [one.number for one in versions][:HELD],
        "expected": expected,
        "served": [one for one in served(ask)["answered"] if one["model"] == name],
        "capture": capture(ask),
        "recent": recent.value or [],
        "counting": not recent.fresh,
    }
    return Shown("route.html", values)


def _recent(ask: Ask, name: str) -> list[dict[str, Any]]:
    rows = captured.newest(ask.place.settings, name, RECENT).sort("id", descending=True)
    return [
        {**{key: row[key] for key in ("id", "at", "version", "variant")}, "answer": _answer(row["outputs"])}
        for row in rows.to_dicts()
    ]


def _answer(outputs: str) -> str:
    found = msgspec.json.decode(outputs)
    if "label" not in found:
        return f"{found.get('value', 0):.6g}"
    chance = (found.get("probabilities") or {}).get(str(found["label"]))
    return f"{found['label']} {chance:.0%}" if isinstance(chance, float) else str(found["label"])


def served(ask: Ask) -> dict[str, Any]:
    """What the servers of this machine counted since they started: requests and latency by version."""
    totals = Totals()
    for folder in _folders(ask.place.settings.spool / METERS):
        for file in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                totals.merge(msgspec.msgpack.decode(file.read_bytes(), type=Totals))
            except (OSError, msgspec.DecodeError):  # it went, or a server of another age wrote it
                continue
    found: dict[tuple[str, str, str], Histogram] = {}
    for (model, version, variant, _), one in totals.answered.items():
        found.setdefault((model, version, variant), Histogram.empty(BOUNDS)).merge(one.seconds)
    answered = [
        {"model": model, "version": version, "variant": variant, "requests": sum(one.counts),
         "mean_ms": 1000 * one.total / max(1, sum(one.counts)), "p50_ms": _quantile(one, 0.5),
         "p95_ms": _quantile(one, 0.95), "p99_ms": _quantile(one, 0.99)}
        for (model, version, variant), one in sorted(found.items())
    ]  # fmt: skip
    refused = sum(totals.refused.values())
    return {"answered": answered, "refused": refused, "captured": totals.captured, "shed": totals.shed}


def _folders(parent: Path) -> list[Path]:
    """Of the servers that are at work; what those that are gone left is no news."""
    gone = set(owner.leftovers(parent)) if parent.is_dir() else set()
    return [one for one in sorted(parent.iterdir()) if one.is_dir() and one not in gone] if parent.is_dir() else []


def _quantile(one: Histogram, share: float) -> float | None:
    """Milliseconds that this share of the requests took at most, between the bounds that were counted."""
    total = sum(one.counts)
    if not total:
        return None
    place = next(at for at, count in enumerate(accumulate(one.counts)) if count >= share * total)
    if place == len(BOUNDS):
        return 1000 * BOUNDS[-1]
    below = BOUNDS[place - 1] if place else 0.0
    before = sum(one.counts[:place])
    return 1000 * (below + (BOUNDS[place] - below) * (share * total - before) / one.counts[place])


def capture(ask: Ask) -> dict[str, Any]:
    """What servers of this machine took and did not carry into the tables yet."""
    spool = ask.place.settings.spool
    waiting = segment.waiting(spool) if spool.is_dir() else []
    oldest = min((at for at, _ in waiting), default=None)
    lag = max(0.0, time.time() - oldest) if oldest is not None else 0.0
    return {"lag_s": lag, "bytes": sum(size for _, size in waiting)}


def check(ask: Ask) -> Shown:
    """The weights that were asked for, beside those in force: to be confirmed before they are set."""
    ask.must(RELEASE)
    name = ask.name("endpoint")
    weights = _weights(ask)
    person = ask.person()
    with ask.place.store.read() as c:
        route = find.endpoint(c, name)
        for number in weights:
            registry.version(c, name, int(number))
    rows = [
        {"version": number, "before": route.weights.get(number, 0), "after": weights.get(number, 0)}
        for number in sorted({*route.weights, *weights}, key=int)
    ]
    return Shown("route_check.html", {"route": route, "rows": rows, "reason": person.reason,
                                      "expected": ask.given("revision")})  # fmt: skip


def set_weights(ask: Ask) -> Gone:
    """Divide the traffic anew."""
    ask.must(RELEASE)
    name, person, weights = ask.name("endpoint"), ask.person(), _weights(ask)
    revision = find.number(ask.given("revision"))
    manager = Manager(ask.place.store, ask.place.clock)
    route, ours = manager.change(name, weights, person.reason, person.name, revision)
    if not ours:
        raise overtaken(route)
    return Gone(f"/route/{name}", marked("The weights are set; servers follow within a second."))


def overtaken(route: routes.Route) -> Overtaken:
    """Somebody else moved the weights."""
    return Overtaken(
        f"while you looked, {route.actor} set revision {route.revision} ({route.reason})", where="pages",
        do="Nothing was changed; look again.",
    )  # fmt: skip


def _weights(ask: Ask) -> dict[str, int]:
    """The weights in a form's fields ``weight-3``."""
    found: dict[str, int] = {}
    for key, given in ask.form.items():
        if not key.startswith("weight-"):
            continue
        version, weight = find.number(key.removeprefix("weight-")), find.number(given[0].strip() or "0")
        if version is None or weight is None:
            raise BadInput(f"{given[0][:20]!r} is no weight", where=f"version {key[7:27]}", do="Write a whole number.")
        if weight > 0:
            found[str(version)] = weight
    if not found:
        raise BadInput("all weights are 0", where="form", do="Give at least one version a weight.")
    return found
