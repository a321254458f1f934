"""Data: versions as a line of batches, what changed in each column, what is wrong, and what a person decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from sqlalchemy import Connection

from noria.data.column import Column
from noria.data.profile import Profile
from noria.errors import BadInput
from noria.store import audit, datasets, erasures, overview, registry, verdicts
from noria.ui import charts, find, kept
from noria.ui.ask import Ask, File, Gone, Shown
from noria.ui.door import RELEASE
from noria.ui.words import marked
from noria.validate import charts as drawn

PAGE = 50  # columns, versions
LINE = 60  # batches on the line


@dataclass(frozen=True, slots=True)
class Box:
    """A batch on the line: ``state`` is accepted, quarantined or erased (rows were taken out of it since)."""

    id: str
    number: int
    rows: int
    state: str
    reason: str | None
    source: str
    arrived_at: Any
    share: float
    new: bool
    held: bool


def listing(ask: Ask) -> Shown:
    """All datasets."""
    with ask.place.store.read() as c:
        found = [(name, overview.arrival(c, name), overview.versions(c, name, most=8)) for name in datasets.datasets(c)]
    rows = [{"dataset": name, "arrival": came, "versions": versions} for name, came, versions in found]
    return Shown("datasets.html", {"datasets": rows})


def one(ask: Ask) -> Shown:
    """One version: batches, findings, columns old against new."""
    with ask.place.store.read() as c:
        version = find.data(c, ask.name("name"))
        name = version.dataset
        batches = datasets.batches(c, name)
        versions = overview.versions(c, name, most=PAGE)
        amended = erasures.amendments(c, name)
        tags = datasets.tags(c, name)
        learned = [one.number for one in registry.versions(c, name)
                   if one.dataset == name and one.dataset_version == version.number]  # fmt: skip
        expected = audit.mark(c, *subjects(name))
        run = overview.judging_run(c, name, version.number) or version.run_id
    judged = kept.document(ask.place, run, "validate", "verdict.json") if run else None
    report = kept.outputs(ask.place, run, "validate").get("report.html") if run else None
    compared = (judged or {}).get("comparison") or {}
    everything = compared.get("columns") or _alone_columns(ask, version)
    columns, page, pages = _some(everything, ask)
    cut = {one.number for found in amended.values() for one in found}
    values = {
        "version": version,
        "versions": versions,
        "amended": amended.get(version.number, []),
        "cut": cut,
        "tags": [tag for tag, number in tags.items() if number == version.number],
        "line": line(batches, version, versions, amended),
        "run": run,
        "anomalies": (judged or {}).get("anomalies", []),
        "labels": compared.get("labels", []),
        "rows": compared.get("rows"),
        "columns": [_column(one) for one in columns],
        "found": len(everything),
        "page": page,
        "pages": pages,
        "report": report.digest.hex if report else None,
        "learned": learned,
        "expected": expected,
        "words": ask.query("column"),
    }
    return Shown("data.html", values)


def subjects(dataset: str) -> tuple[str, str]:
    """What decisions about a dataset are about, as the log of decisions names it."""
    return f"batch:{dataset}/", f"dataset_version:{dataset}@"


def line(
    batches: Sequence[datasets.Batch],
    version: datasets.Version,
    versions: Sequence[overview.Short],
    amended: Mapping[int, Sequence[Any]],
) -> list[Box]:
    """The newest batches in the order of arrival, each as wide as it has rows."""
    before = next((one for one in versions if one.number == version.number - 1), None)
    old = set(before.batches) if before else set()
    shown = batches[-LINE:]
    most = max((one.rows for one in shown), default=1) or 1
    gone = _lost(batches, amended)
    return [
        Box(
            one.id, one.number, one.rows,
            "erased" if one.id in gone and one.state == "accepted" else one.state,
            one.reason, str(one.source.get("name", one.origin)), one.arrived_at, one.rows / most,
            one.id in version.batches and one.id not in old and bool(old), one.id in version.batches,
        )
        for one in shown
    ]  # fmt: skip


def _lost(batches: Sequence[datasets.Batch], amended: Mapping[int, Sequence[Any]]) -> set[str]:
    """Batches whose profile was taken away because rows of them were erased."""
    return {one.id for one in batches if amended and one.profile is None and one.rows_digest is not None}


def _some(columns: Sequence[Any], ask: Ask) -> tuple[Sequence[Any], int, int]:
    wanted = ask.query("column").casefold()
    found = [one for one in columns if wanted in one["column"].casefold()] if wanted else columns
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(1, ask.number("page", 1)), pages)
    return found[(page - 1) * PAGE : page * PAGE], page, pages


def _column(one: Mapping[str, Any]) -> dict[str, Any]:
    sides = [one.get("before"), one.get("after")]
    return {**one, "typical": [_typical(side) for side in sides], "far": one["measures"].get("jensen_shannon")}


def _alone_columns(ask: Ask, version: datasets.Version) -> list[dict[str, Any]]:
    """The columns of a version that was compared with nothing, by name."""
    found = _profile(ask, version)
    return [
        {"column": name, "kind": one.kind, "status": "first", "measures": {}, "before": None, "after": _side(one)}
        for name, one in sorted(found.columns.items() if found else ())
    ]


def _side(one: Column) -> dict[str, Any]:
    """A column as a comparison tells its sides."""
    if one.kind == "number" and one.finite:
        return {"mean": one.mean, "deviation": one.deviation}
    if one.kind == "time":
        return {"first": one.first, "last": one.last}
    return {"values": one.shares()}


def _typical(side: Mapping[str, Any] | None) -> str | None:
    if side is None:
        return None
    if "mean" in side:
        return f"{side['mean']:.4g} ± {side['deviation']:.3g}"
    if "first" in side:
        return f"{str(side['first'])[:10]} … {str(side['last'])[:10]}"
    shares = sorted(side.get("values", {}).items(), key=lambda item: -item[1])[:2]
    return ", ".join(f"{value} {share:.0%}" for value, share in shares) or None


def diff(ask: Ask) -> Shown:
    """What two versions do not share: batches, rows, and the shares of the labels."""
    with ask.place.store.read() as c:
        a, b = find.data(c, ask.name("name")), find.data(c, ask.query("with"))
        if a.dataset != b.dataset:
            raise BadInput(f"{a.dataset} and {b.dataset} are two datasets", where="pages", do="Compare two of one.")
        known = {one.id: one for one in datasets.batches(c, a.dataset)}
    added = [known[id] for id in b.batches if id not in a.batches]
    gone = [known[id] for id in a.batches if id not in b.batches]
    old, new = (_profile(ask, one) for one in (a, b))
    return Shown("diff.html", {
        "a": a, "b": b, "added": added, "gone": gone,
        "labels": [old.label_shares() if old else {}, new.label_shares() if new else {}],
        "columns_added": sorted(set(new.columns) - set(old.columns)) if old and new else [],
        "columns_gone": sorted(set(old.columns) - set(new.columns)) if old and new else [],
    })  # fmt: skip


def _profile(ask: Ask, version: datasets.Version | None) -> Profile | None:
    raw = kept.read(ask.place, version.profile) if version is not None and version.profile else None
    return Profile.from_json(raw) if raw else None


def _sides(ask: Ask, c: Connection, version: datasets.Version) -> tuple[Profile | None, Profile | None]:
    """What a version was compared with, and what was new in it."""
    baseline = find.data(c, f"{version.dataset}@{version.baseline}") if version.baseline else None
    before = _profile(ask, baseline)
    held = {one.id: one for one in datasets.batches(c, version.dataset)}
    known = set(baseline.batches) if baseline else set()
    raws = [kept.read(ask.place, str(held[id].profile)) for id in version.batches
            if id not in known and held[id].profile]  # fmt: skip
    fresh = [Profile.from_json(raw) for raw in raws if raw]
    if not fresh:
        return before, _profile(ask, version)
    after = fresh[0]
    for more in fresh[1:]:
        after = after.merge(more)
    return before, after


def column_chart(ask: Ask) -> File | Shown:
    """One column: what was known against what is new; of a first version, what it holds."""
    with ask.place.store.read() as c:
        version = find.data(c, ask.query("of"))
        before, after = _sides(ask, c, version)
    wanted = ask.query("column")
    if after is None or wanted not in after.columns:
        return charts.answer(ask, None)
    new = after.columns[wanted]
    old = before.columns.get(wanted) if before else None
    return charts.answer(ask, drawn.column(old or Column(new.kind), new) if old else _alone(new))


def _alone(column: Column) -> Any:
    return drawn.column(column, column)


def labels_chart(ask: Ask) -> File | Shown:
    """The share of each label over the versions."""
    with ask.place.store.read() as c:
        name = find.dataset(c, ask.query("of"))
        versions = datasets.versions(c, name)[-PAGE:]
    rows = [
        {"version": one.number, "label": label, "share": share}
        for one in versions
        if (found := _profile(ask, one)) is not None
        for label, share in list(found.label_shares().items())[:12]
    ]
    if not rows:
        return charts.answer(ask, None)
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("version:O", title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%")),
            color=alt.Color("label:N", title=None),
            tooltip=["version:O", "label:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=charts.WIDTH, height=160)
    )
    return charts.answer(ask, chart)


def accept(ask: Ask) -> Gone:
    """Let a version go on that validation had stopped."""
    ask.must(RELEASE)
    person = ask.person()
    with ask.place.store.begin() as c:
        version = find.data(c, ask.name("name"))
        ask.seen(c, *subjects(version.dataset))
        verdicts.accept(c, ask.place.clock, version.dataset, version.number, person)
    return Gone(f"/data/{version.dataset}@{version.number}", marked("It is accepted; the next turn goes on with it."))


def quarantine(ask: Ask) -> Gone:
    """Leave a batch out."""
    return _batch(ask, verdicts.quarantine, marked("The batch is left out of this version."))


def restore(ask: Ask) -> Gone:
    """Take a batch in again."""
    return _batch(ask, verdicts.restore, marked("The batch is back in this version."))


def _batch(ask: Ask, decide: Any, said: str) -> Gone:
    ask.must(RELEASE)
    person, dataset = ask.person(), ask.name("name").partition("@")[0]
    with ask.place.store.begin() as c:
        find.dataset(c, dataset)
        ask.seen(c, *subjects(dataset))
        made = decide(c, ask.place.clock, dataset, ask.given("batch"), person)
    return Gone(f"/data/{dataset}@{made.number}", said)
