"""What was made of somebody's rows: artifacts that hold them go, what mentions them is written anew without that."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from noria.digest import Digest, canonical
from noria.errors import NotFound
from noria.governance.plan import Plan, Stores
from noria.governance.traces import Traces
from noria.store import datasets, erasures, registry, runs, scrub
from noria.store.scrub import Left

ROWS = {  # by step, how the names of what holds rows begin, or numbers that single rows decide
    "preprocess": ("X.", "y.", "w.", "rows."),
    "validate": ("schema.json", "profile.", "verdict.json", "report.html"),
    "analyze": ("predictions.parquet",),
}
LEARNED = {"preprocess": ("preprocessor",), "train": ("model",), "import": ("model",)}  # flagged, not taken away
TRACE = "trace"  # the folder of pictures, within that of reports
ARRAYS = (b"\x93NUMPY", b"PAR1")
DIGEST = re.compile(r"[0-9a-f]{64}")
JSON, HTML = "application/json", "text/html"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a dataset's rows came: versions that held them, runs on these, models that learned from these."""

    versions: frozenset[int]
    runs: frozenset[str]
    models: tuple[registry.ModelVersion, ...]


@dataclass(slots=True)
class Found:
    """Artifacts that go; those that are replaced, with what by; places of texts in what is kept."""

    doomed: set[str] = field(default_factory=set)
    redacted: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)


def reach(stores: Stores, dataset: str, batches: Collection[str]) -> Reach:
    """What was made with some batches."""
    with stores.store.read() as c:
        held = {one.number for one in datasets.versions(c, dataset) if set(one.batches) & set(batches)}
        on = {run.id for run in runs.newest(c, dataset, 1 << 30) if _version_of(runs.steps(c, run.id)) in held}
        models = [one for one in registry.versions(c) if one.dataset == dataset and one.dataset_version in held]
    return Reach(frozenset(held), frozenset(on), tuple(models))


def _version_of(steps: Collection[runs.StepRun]) -> int | None:
    facts = next((step.facts for step in steps if step.step == "collect"), None) or {}
    return facts.get("version")


def look(stores: Stores, plan: Plan) -> Found:
    """Which artifacts of the plan's datasets go, and which are written anew; the new ones are put."""
    found = Found(set(plan.doomed), dict(plan.redacted))
    for dataset, cuts in plan.batches.items():
        with stores.store.read() as c:
            left = scrub.left(c, dataset)
            profiles = {one.profile for one in datasets.batches(c, dataset) if one.id in cuts and one.profile}
        on = reach(stores, dataset, cuts).runs if cuts else frozenset()
        found.doomed |= profiles | {one.digest for one in left if one.run in on and _holds_rows(one, cuts)}
        for one in left:
            if one.digest not in found.doomed and one.digest not in found.redacted and not plan.empty:
                _look_into(stores, one, plan.traces, found)
    return found


def _holds_rows(one: Left, cuts: Collection[str]) -> bool:
    if one.name.startswith("profile.") and one.name != "profile.json":
        return one.name.split(".")[1] in cuts
    return one.name.startswith(ROWS.get(one.step, ())) if one.step in ROWS else False


def _look_into(stores: Stores, one: Left, traces: Traces, found: Found) -> None:
    try:
        data = stores.artifacts.get(Digest(one.digest))
    except NotFound:  # erased before, or by somebody else's clearing up
        return
    if one.media == JSON:
        value = json.loads(data)
        other = canonical(traces.without(value))
        if other != canonical(value):
            found.redacted[one.digest] = stores.artifacts.put(other).hex
    elif not traces.within(data):
        return
    elif one.media == HTML:
        found.redacted[one.digest] = stores.artifacts.put(traces.page(data)).hex
    elif one.name in LEARNED.get(one.step, ()):
        found.kept.add(f"{one.run}/{one.step}/{one.name}")
    else:
        found.doomed.add(one.digest)


def forget(stores: Stores, id: str, plan: Plan) -> None:
    """In one transaction: batches and versions hold what they hold now, models are flagged, nothing on record mentions
    the person, and no step's result that held the rows is used again."""
    traces, redacted = plan.traces, plan.redacted

    def by(value: object) -> object:
        value = traces.without(value)
        return _moved(value, redacted) if redacted else value

    reached = {name: reach(stores, name, cuts) for name, cuts in plan.batches.items() if cuts}
    with stores.store.begin() as c:
        for name, found in reached.items():
            for batch, cut in plan.batches[name].items():
                if cut.rows is not None:
                    erasures.cut_batch(c, name, batch, cut.rows, cut.digest)
            erasures.cut_versions(c, stores.clock, id, name, found.versions)
            for model in found.models:
                erasures.flag(c, id, model.model, model.number)
        scrub.not_again(c, plan.doomed)
        erasures.no_profiles(c, plan.doomed)
        scrub.forget_glances(c)
        scrub.change(c, by)


def _moved(value: object, digests: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return DIGEST.sub(lambda found: digests.get(found[0], found[0]), value)
    if isinstance(value, dict):
        return {_moved(name, digests): _moved(one, digests) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, digests) for one in value]
    return value


def remove(stores: Stores, id: str, plan: Plan) -> int:
    """Take the artifacts away, and what killed processes left that nothing refers to; how many the latter were."""
    for digest in [*plan.doomed, *plan.redacted]:
        if plan.redacted.get(digest) != digest:
            stores.artifacts.erase(Digest(digest), id)
    with stores.store.read() as c:
        named = {found for text in scrub.texts(c) for found in DIGEST.findall(text)}
        busy = bool(erasures.working(c, None))
    orphans = [one for one in stores.artifacts.all() if one.hex not in named]
    gone = [one for one in orphans if _is_theirs(stores, one, plan.traces, busy=busy)]
    for one in gone:
        stores.artifacts.delete(one)
    return len(gone)


def _is_theirs(stores: Stores, one: Digest, traces: Traces, *, busy: bool) -> bool:
    """True if it holds a trace, or rows of nobody knows whom that no step at work may be about to put on record."""
    try:
        data = stores.artifacts.get(one)
    except NotFound:
        return False
    return traces.within(data) or (not busy and data.startswith(ARRAYS))


def reports(stores: Stores, plan: Plan) -> Iterator[str]:
    """Remove pages of the runs concerned, which people have opened; they are made again when they are asked for."""
    for name, cuts in plan.batches.items():
        for run in sorted(reach(stores, name, cuts).runs if cuts else ()):
            for page in sorted((stores.settings.reports / run).glob("*")):
                page.unlink(missing_ok=True)
                yield f"{run}/{page.name}"
    for page in sorted((stores.settings.reports / TRACE).glob("*")):  # copies of reports among them
        page.unlink(missing_ok=True)
        yield f"{TRACE}/{page.name}"
