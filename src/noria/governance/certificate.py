"""What was removed where, by whom and why, and what is out of reach: plain data and a page, without personal data."""

from collections.abc import Mapping, Sequence
from typing import Any

from noria.governance.gone import reach
from noria.governance.plan import Plan, Stores
from noria.report.page import Section, facts, page, table
from noria.store import datasets, erasures
from noria.store.erasures import Erasure, Secret

OUT_OF_REACH = (
    "Backups and snapshots of disks, buckets and databases, and replicas of the database.",
    "Copies that people took: exports, downloads, mails, screens.",
    "Blocks that a file system or a disk keeps of files which were removed.",
    "Caches of other machines that read artifacts from a bucket, and the spools of servers on other machines.",
    "Earlier object versions, if the bucket keeps them.",
)


def made(stores: Stores, one: Erasure, plan: Plan, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate as plain data."""
    secret = Secret(stores.settings.secret)
    return {
        "erasure": one.id,
        "subject": {"hmac_sha256": one.subject, "secret": one.secret},
        "by": one.actor,
        "reason": one.reason,
        "begun_at": one.begun_at.isoformat(),
        "ended_at": stores.clock.now().isoformat(),
        "datasets": [_dataset(stores, secret, one.id, name, plan) for name in one.datasets],
        "artifacts": {"removed": len(plan.doomed), "written_anew": len(plan.redacted)},
        **extra,
        "models_policy": one.models,
        "out_of_reach": list(OUT_OF_REACH),
    }


def _dataset(stores: Stores, secret: Secret, id: str, name: str, plan: Plan) -> dict[str, Any]:
    cuts = plan.batches.get(name, {})
    with stores.store.read() as c:
        held = {one.id: one for one in datasets.batches(c, name)}
        amended = [one for found in erasures.amendments(c, name).values() for one in found if one.erasure == id]
    return {
        "dataset": name,
        "batches": [
            {
                "batch": batch,
                "state": held[batch].state if batch in held else "never put on record",
                "rows_removed": cut.removed,
                "rows_left": cut.rows,
                "digest_before_keyed": secret.digest(cut.before) if cut.before else None,  # it would tell the rows
                "digest_after": cut.digest,
            }
            for batch, cut in cuts.items()
        ],
        "versions_amended": [
            {"version": f"{name}@{one.number}", "rows_before": one.rows_before, "rows_after": one.rows_after}
            for one in amended
        ],
        "predictions_removed": len(plan.predictions.get(name, ())),
        "feedback_removed": plan.feedback.get(name, 0),
        "models_that_learned": sorted({f"{m.model}@{m.number}" for m in reach(stores, name, cuts).models})
        if cuts
        else [],
        "sources_that_still_hold_them": sorted(
            {str(plan.traces.without(held[batch].source["name"])) for batch in cuts if batch in held}
        ),
    }


def html(found: Mapping[str, Any]) -> bytes:
    """The certificate as one page."""
    who = {name: found[name] for name in ("erasure", "by", "reason", "begun_at", "ended_at", "models_policy")}
    lead = "All rows of one subject were removed. The subject is known by a keyed digest only."
    return page(
        f"Certificate of erasure {found['erasure']}",
        lead,
        [
            Section("Who and why", facts({**who, "subject (HMAC-SHA256)": found["subject"]["hmac_sha256"]})),
            *(Section(one["dataset"], _body(one)) for one in found["datasets"]),
            Section("What was made of the rows", facts(found["artifacts"])),
            Section("Out of reach", _list(found["out_of_reach"])),
            Section("Left", _list(found["left"]) if found["left"] else "<p>A search of the home finds nothing.</p>"),
        ],
    )


def _body(one: Mapping[str, Any]) -> str:
    batches = [(b["batch"], b["state"], b["rows_removed"], b["rows_left"]) for b in one["batches"]]
    versions = [(v["version"], v["rows_before"], v["rows_after"]) for v in one["versions_amended"]]
    rest = {
        "predictions removed": one["predictions_removed"],
        "feedback removed": one["feedback_removed"],
        "models that had learned": ", ".join(one["models_that_learned"]) or None,
        "sources that still hold the rows": ", ".join(one["sources_that_still_hold_them"]) or None,
    }
    return (
        table(["batch", "state", "rows removed", "rows left"], batches)
        + table(["version", "rows before", "rows after"], versions)
        + facts(rest)
    )


def _list(lines: Sequence[str]) -> str:
    return table([""], [(line,) for line in lines])
