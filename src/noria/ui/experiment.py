"""Experiments: which of two versions is better, how sure that is, and how it became so; begun and decided from here."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import altair as alt
import polars as pl

from noria.data import captured
from noria.errors import BadInput, Overtaken, UserError
from noria.feedback.experiment import PROMOTE, STOP, Rules, verdict
from noria.feedback.exposure import MEANS, arms, spelled
from noria.feedback.look import commits
from noria.report.charts import INK, MARK
from noria.run import experiments as work
from noria.run.place import Place
from noria.store import audit, experiments, registry
from noria.store.experiments import Experiment
from noria.ui import charts, find
from noria.ui.ask import Ask, File, Gone, Shown
from noria.ui.door import RELEASE
from noria.ui.slow import Known
from noria.ui.words import marked

POINTS = 24  # moments at which the past is asked
SHOWN = 30
APPROVALS = ("automatic", "person")


def page(ask: Ask) -> Shown:
    """An endpoint's experiments: what the one under way says now, and those before."""
    name = ask.name("endpoint")
    wanted = ask.number("number", 0)
    with ask.place.store.read() as c:
        route = find.endpoint(c, name)
        held = experiments.all(c, name)[::-1]
        versions = [one.number for one in registry.versions(c, name)][::-1]
        champion = registry.aliases(c, name).get(registry.CHAMPION)
        expected = audit.mark(c, subject(name))
        one = experiments.get(c, name, wanted) if wanted else held[0] if held else None
    task = work.task_of(ask.place, name)
    known = said(ask, one) if one else None
    values = {
        "route": route, "experiments": held[:SHOWN], "one": one, "expected": expected, "champion": champion,
        "versions": [number for number in versions if number != champion][:SHOWN],
        "metrics": [word for word, means in MEANS.items() if task in means.tasks],
        "counting": known is not None and not known.fresh,
        "looked": work.plain(known.value) if known is not None and known.value is not None else None,
        "trouble": known.trouble if known else "",
    }  # fmt: skip
    return Shown("experiment.html", values)


def subject(name: str) -> str:
    """How the log of decisions names what is decided here."""
    return f"experiment:{name}#"


def said(ask: Ask, one: Experiment) -> Known:
    """What the numbers of an experiment say, and whether newer ones are being counted."""
    marks = [commits(ask.place.settings, one.endpoint) if one.open else [], one.state]
    return ask.slow.get(("experiment", one.id), marks, lambda: work.look(ask.place, one))


def chart(ask: Ask) -> File | Shown:
    """The difference over time, with the interval that holds at every moment at once."""
    with ask.place.store.read() as c:
        find.endpoint(c, ask.query("of"))
        one = experiments.get(c, ask.query("of"), ask.number("number", 0))
    marks = [commits(ask.place.settings, one.endpoint) if one.open else [], one.state]
    known = ask.slow.get(("past", one.id), marks, lambda: list(past(ask.place, one)), patience=10)
    rows = known.value or []
    if len(rows) < 2:
        return charts.answer(ask, None)
    effect = one.rules["effect"]
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("at:T", title=None))
    title = f"{one.rules['metric'].removeprefix('-')}: better by"
    band = base.mark_area(opacity=0.2, color=MARK).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    line = base.mark_line(color=MARK, strokeWidth=2, point={"filled": True, "size": 36, "color": MARK})
    line = line.encode(y="value:Q", tooltip=["at:T", "value:Q", "low:Q", "high:Q", "known:Q"])
    bounds = alt.Chart(alt.Data(values=[{"y": 0, "what": "no difference"}, {"y": effect, "what": "matters"}]))
    rules = bounds.mark_rule(strokeDash=[5, 4], color=INK).encode(y="y:Q", detail="what:N")
    return charts.answer(ask, (rules + band + line).properties(width=charts.WIDTH, height=200))


def past(place: Place, one: Experiment) -> Iterator[dict[str, Any]]:
    """What the experiment would have said at moments of its past: the answers and the labels that there were then."""
    rules = Rules.of(one.rules)
    joined = captured.joined(place.settings, one.endpoint, work.COLUMNS)
    began = one.started_at.isoformat(timespec="microseconds")
    during = joined.filter(pl.col("at") >= began)
    if one.ended_at is not None:
        during = during.filter(pl.col("at") <= one.ended_at.isoformat(timespec="microseconds"))
    task = work.task_of(place, one.endpoint)
    weights = {number: one.weights[str(number)] for number in (one.champion, one.challenger)}
    fresh = str(one.challenger) not in one.before
    for moment in _moments(during):
        then = during.filter(pl.col("at") <= moment)
        late = pl.col("told").is_null() | (pl.col("told") > moment)
        then = then.with_columns(
            label=pl.when(late).then(None).otherwise(pl.col("label")),
            rating=pl.when(late).then(None).otherwise(pl.col("rating")),
        )
        champion, challenger, _ = arms(then, task, rules, weights, one.started_at, fresh=fresh)
        evidence = verdict(champion, challenger, rules).evidence
        found = evidence["differences"][rules.metric]
        if min(evidence["known"]) >= 2 and found["high"] - found["low"] < 4:
            yield {"at": moment, **found, "known": min(evidence["known"])}


def _moments(rows: pl.DataFrame) -> list[str]:
    """Moments at which equally many truths had become known."""
    told = rows["told"].drop_nulls().sort()
    if not told.len():
        return []
    return list(dict.fromkeys(told.gather([(told.len() - 1) * n // POINTS for n in range(1, POINTS + 1)]).to_list()))


def start(ask: Ask) -> Gone:
    """Divide the traffic between the champion and a challenger, to find out which is better."""
    ask.must(RELEASE)
    name, person = ask.name("endpoint"), ask.person()
    place = _as(ask.place, person.name)
    metric = spelled(ask.given("metric", "accuracy"), work.task_of(place, name))
    challenger, share = find.number(ask.given("challenger")), find.number(ask.given("share", "50"))
    effect = _positive(ask.given("effect"))
    if challenger is None or share is None or not 0 < share < 100:
        raise BadInput(
            "the challenger or its share is missing", where="form", do="Give a version, and 1 to 99 percent."
        )
    approval = ask.given("approval", APPROVALS[1])
    if approval not in APPROVALS:
        raise BadInput(f"no approval {approval[:20]!r}", where="form", do=f"Use {' or '.join(APPROVALS)}.")
    with ask.place.store.begin() as c:
        find.endpoint(c, name)
        ask.seen(c, subject(name))
    rules = Rules(metric=metric, effect=effect)
    try:
        work.start(place, name, challenger, rules, share=share, approval=approval, reason=person.reason)
    except UserError as error:
        raise _sooner(ask, name) or error from error
    return Gone(f"/experiment/{name}", marked("The experiment has begun; servers follow within a second."))


def _sooner(ask: Ask, name: str) -> Overtaken | None:
    """Somebody else began one since the form was found to be of the newest state; None if nobody did."""
    with ask.place.store.read() as c:
        held = experiments.running(c, name)
    if held is None:
        return None
    what = f"while you looked, {held.started_by} began {held.id} ({held.reason})"
    return Overtaken(what, where="pages", do="Nothing was changed; look again.")


def decide(ask: Ask) -> Gone:
    """Have the last word on the experiment under way."""
    ask.must(RELEASE)
    name, person, word = ask.name("endpoint"), ask.person(), ask.given("word")
    if word not in (PROMOTE, STOP):
        raise BadInput(f"cannot {word[:20]!r} an experiment", where="form", do=f"Use {PROMOTE} or {STOP}.")
    with ask.place.store.begin() as c:
        find.endpoint(c, name)
        ask.seen(c, subject(name))
    looked = work.decide(_as(ask.place, person.name), name, word, person.reason)
    ended: Experiment = looked.experiment
    if (ended.ended_by, ended.why) != (person.name, person.reason):
        what = f"while you looked, {ended.ended_by} ended it: {ended.verdict} ({ended.why})"
        raise Overtaken(what, where="pages", do="Nothing was changed; look again.")
    return Gone(f"/experiment/{name}", marked("The experiment has ended; servers follow within a second."))


def _positive(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise BadInput("which difference matters?", where="form", do="Give it in the metric's unit, above 0.")
    return found


def _as(place: Place, actor: str) -> Place:
    """The place, where somebody else decides."""
    return replace(place, settings=replace(place.settings, actor=actor))
