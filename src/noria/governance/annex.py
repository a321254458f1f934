"""A draft along the headings of Annex IV of the EU AI Act (Regulation 2024/1689), filled from the records.

What the records do not say is named as not recorded: a person has to write it. A draft is no declaration of conformity.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]  # the dossier's plain data, without the draft


@dataclass(frozen=True, slots=True)
class Heading:
    """One point of the annex: what the records say of it, and what of it they do not."""

    number: str
    title: str
    said: Sequence[str]
    missing: Sequence[str]


def draft(found: Found) -> list[Heading]:
    """All points, in the annex's order."""
    return [Heading(number, title, list(say(found)), missing) for number, title, say, missing in POINTS]


def plain(headings: Sequence[Heading]) -> list[dict[str, Any]]:
    return [
        {"number": one.number, "title": one.title, "said": list(one.said), "not_recorded": list(one.missing)}
        for one in headings
    ]


def _purpose(found: Found) -> Iterator[str]:
    data = found["data"]
    yield f"Model {found['model']}, version {found['number']}."
    if data:
        schema = data["schema"]
        yield f"It predicts the column {schema.get('label')!r} ({schema.get('task', 'classification')})."
    earlier = [one for one in found["versions"] if one["number"] < found["number"]]
    if earlier:
        last = earlier[-1]
        yield f"Version {last['number']}, of {_day(last['at'])}, came before it; there were {len(earlier)}."
    else:
        yield "No version came before it."


def _software(found: Found) -> Iterator[str]:
    environment = found["record"].get("environment") or {}
    python, platform = (
        environment.get("python", "an unknown Python"),
        environment.get("platform", "an unknown platform"),
    )
    yield f"Made with {python} on {platform}."
    packages = environment.get("packages", {})
    if packages:
        yield f"{len(packages)} packages, each with its version, are in the record; noria {packages.get('noria', '?')}."
    record = found["record"]
    yield f"The package is of the format {record.get('format')}; its SHA-256 is {record.get('package')}."


def _market(found: Found) -> Iterator[str]:
    live = found["live"]
    if live["weight"]:
        share, revision = f"{live['weight']:.0%}", live["revision"]
        yield f"It answers at the endpoint {found['model']} with {share} of the traffic, by revision {revision}."
    else:
        yield f"It answers nobody at {found['made_at'][:10]}."
    yield "It is served over REST and gRPC by the Open Inference Protocol, version 2."


def _hardware(found: Found) -> Iterator[str]:
    environment = found["record"].get("environment") or {}
    if environment.get("processors"):
        yield f"It was made on a machine with {environment['processors']} processors."


def _development(found: Found) -> Iterator[str]:
    record = found["record"]
    if "imported" in record:
        yield f"It was imported from {record['imported']}: how it was made is on no record here."
        return
    code = str(record.get("bundle"))[:12]
    yield f"Estimator {record.get('estimator')}; run {record.get('run')}; code bundle {code}, whole in the record."
    trials = record.get("trials") or ()
    params, metric = _values(record.get("params") or {}), record.get("metric")
    yield f"Hyper-parameters {params}, the best of {len(trials)} trials by {metric}."
    yield f"Seed {record.get('seed')}: the recipe can be run again with 'noria model reproduce'."


def _choices(found: Found) -> Iterator[str]:
    record = found["record"]
    if record.get("metric"):
        yield f"What is optimised: {record['metric']} on the validation split."
    if record.get("remedy"):
        yield f"The training data were made fit by the remedy {record['remedy']}."
    for one in record.get("verdicts") or ():
        yield f"Gate '{one['gate']}': {one['verdict']}; {one['evidence']}"


def _resources(found: Found) -> Iterator[str]:
    for one in found["steps"]:
        spent = [f"{one['seconds']:.1f} s"] if one["seconds"] is not None else []
        spent += [f"{one['memory_mb']:.0f} MiB at most"] if one["memory_mb"] else []
        if spent:
            yield f"Step {one['step']}: {', '.join(spent)}."


def _data(found: Found) -> Iterator[str]:
    data = found["data"]
    if not data:
        return
    count = len(data["batches"])
    yield f"Dataset {data['dataset']}, version {data['version']}: {data['rows']:,} rows in {count} batches."
    for one in data["batches"]:
        held, arrived = f"{one['rows']:,} rows", _day(one["arrived_at"])
        yield f"Batch {one['batch']} from {one['source']} ({one['origin']}): {held}, arrived {arrived}."
    yield f"Validation said: {data['verdict'] or 'nothing'}."
    if data["anomalies"]:
        yield f"{len(data['anomalies'])} findings of validation are in the data sheet."
    for one in data["amended"]:
        gone = one["rows_before"] - one["rows_after"]
        yield f"Erasure {one['erasure']} took {gone} rows out of this version on {_day(one['at'])}."
    proof = (found["record"].get("analysis") or {}).get("disjoint")
    if proof:
        learned, rest = f"{proof.get('learned_rows'):,} rows learned from", f"{proof.get('rows'):,} for analysis"
        yield f"Splits by {proof.get('by')}: {learned}, {rest}, {proof.get('shared')} subjects in both."


def _oversight(found: Found) -> Iterator[str]:
    record = found["record"]
    yield f"Decided by {record.get('decided_by')}: {record.get('reason')}"
    people = sorted({one["actor"] for one in found["audit"]["entries"]} - {"gates", "deploy"})
    if people:
        yield f"People who decided about this model: {', '.join(people)}."


def _changes(found: Found) -> Iterator[str]:
    for rule in found["triggers"]:
        yield f"A new version is made when: {rule}."


def _testing(found: Found) -> Iterator[str]:
    analysis = found["record"].get("analysis")
    if not analysis:
        yield "It was not analysed: it was imported."
        return
    yield f"Tested on {analysis['rows']:,} rows that it never saw, on {_day(found['record']['at'])}."
    for name, value in analysis["metrics"].items():
        low, high = analysis.get("intervals", {}).get(name, (None, None))
        yield f"{name} {value:.4f}" + (f" (95 %: {low:.4f} to {high:.4f})." if low is not None else ".")
    if analysis.get("sensitivity"):
        yield f"Robustness: answers under small changes of {len(analysis['sensitivity'])} features are in the analysis."


def _security(found: Found) -> Iterator[str]:
    yield "Model files are named by their digest and verified when they are read; pickles are loaded only if on record."
    if found["tokens"]:
        yield f"{found['tokens']} tokens hold or held; roles are in the log of decisions."


def _groups(found: Found) -> Iterator[str]:
    analysis = found["record"].get("analysis") or {}
    for column, between in (analysis.get("fairness") or {}).items():
        for name, one in between["differences"].items():
            if one["value"] is not None:
                yield f"By {column}: {name} {one['value']:.3f}."
    if analysis.get("protected"):
        yield f"Protected columns: {', '.join(analysis['protected'])}."
    inputs = found["inputs"]
    if inputs:
        yield f"Inputs: {', '.join(f'{one[0]} ({one[1]})' for one in inputs)}."


def _metrics(found: Found) -> Iterator[str]:
    analysis = found["record"].get("analysis") or {}
    if analysis.get("metrics"):
        yield f"Measured: {', '.join(analysis['metrics'])}; each with a 95 % interval where one can be given."
    gates = [one["gate"] for one in found["record"].get("verdicts") or ()]
    if gates:
        yield f"The release depended on: {', '.join(gates)}."


def _risks(found: Found) -> Iterator[str]:
    for one in found["alerts"]:
        yield f"{_day(one['at'])}: {one['what']} ({one['where']})."


def _lifecycle(found: Found) -> Iterator[str]:
    for one in found["audit"]["entries"]:
        yield f"{_day(one['at'])}: {one['action']} by {one['actor']}: {one['reason']}"


def _monitoring(found: Found) -> Iterator[str]:
    performance = found["performance"]
    if performance is None:
        yield "Nothing was served under this version so far."
    else:
        yield f"{performance['rows']:,} predictions, of which {performance['labelled']:,} have a label."
        for name, span in performance["metrics"].items():
            yield f"Measured live, {name}: {_span(span)}."
    for rule in found["triggers"]:
        yield f"Watched: {rule}."


def _nothing(found: Found) -> Iterator[str]:
    yield from ()


Point = tuple[str, str, Callable[[Found], Iterator[str]], tuple[str, ...]]
POINTS: tuple[Point, ...] = (
    ("1 (a)", "Intended purpose, provider, version and its relation to previous versions", _purpose,
     ("the intended purpose in words", "name and address of the provider")),
    ("1 (b)", "How it interacts with other hardware or software", _nothing,
     ("systems that call it, and what they do with its answers",)),
    ("1 (c)", "Versions of relevant software", _software, ()),
    ("1 (d)", "Forms in which it is placed on the market or put into service", _market, ()),
    ("1 (e)", "Hardware on which it is intended to run", _hardware, ("hardware it is intended to run on",)),
    ("1 (f)", "Photographs of products of which it is a component", _nothing, ("whether it is part of a product",)),
    ("1 (g)", "User interface provided to the deployer", _nothing, ("the interface that people see its answers in",)),
    ("1 (h)", "Instructions for use for the deployer", _nothing, ("instructions for use",)),
    ("2 (a)", "Methods and steps of development, third-party tools", _development,
     ("pre-trained systems that the user's own code loads",)),
    ("2 (b)", "Design specifications, key choices, what is optimised", _choices,
     ("rationale and assumptions, persons or groups it is meant for", "trade-offs that were considered")),
    ("2 (c)", "System architecture and computational resources", _resources, ()),
    ("2 (d)", "Data requirements: provenance, scope, selection, labelling, cleaning", _data,
     ("how the labels came to be", "how the source data were obtained and selected before they arrived")),
    ("2 (e)", "Human oversight measures (Article 14)", _oversight,
     ("who watches the answers in use, and how they can be overridden",)),
    ("2 (f)", "Pre-determined changes to the system and its performance", _changes, ()),
    ("2 (g)", "Validation and testing: data, metrics, robustness, discriminatory impact", _testing,
     ("the signature of the responsible person",)),
    ("2 (h)", "Cybersecurity measures", _security, ("threats considered, and measures outside of noria",)),
    ("3", "Monitoring, functioning and control: accuracy for groups, limits, input data", _groups,
     ("foreseeable unintended outcomes and risks to health, safety and fundamental rights",)),
    ("4", "Appropriateness of the performance metrics", _metrics, ("why these metrics fit the intended purpose",)),
    ("5", "Risk management system (Article 9)", _risks, ("the risk management system; alerts on record are listed",)),
    ("6", "Relevant changes through the lifecycle", _lifecycle, ()),
    ("7", "Harmonised standards applied", _nothing, ("standards applied in full or in part",)),
    ("8", "EU declaration of conformity (Article 47)", _nothing, ("the declaration of conformity",)),
    ("9", "Post-market monitoring (Article 72)", _monitoring, ("the post-market monitoring plan",)),
)  # fmt: skip


def _day(time: str) -> str:
    return str(time)[:19].replace("T", " ")


def _values(values: Mapping[str, Any]) -> str:
    return (
        ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
        )
        or "–"
    )


def _span(span: Mapping[str, Any]) -> str:
    if span.get("low") is None:
        return f"{span['value']:.4f}" if span.get("value") is not None else "not known yet"
    return f"{span['value']:.4f} (95 %: {span['low']:.4f} to {span['high']:.4f})"
