"""What is served against what was learned from."""

from collections.abc import Iterator
from dataclasses import replace

from noria.data import captured
from noria.data.profile import Profile, profile
from noria.data.schema import Schema
from noria.settings import Settings
from noria.validate import anomalies
from noria.validate.config import Validate
from noria.validate.drift import drift
from noria.validate.expected import infer
from noria.validate.report import Anomaly

ROWS = 20_000  # the newest answers
LEAST = 100  # of them
WHERE = " between the data learned from and what is served"
DO = "See whether callers send what the data mean: units, spelling, missing values; or collect newer data."
COMPARED = ("unseen", "range", "missing", "empty", "type")  # rules that hold for what is served too


def newest(settings: Settings, endpoint: str) -> int | None:
    """The newest commit of what was served; None if nothing was."""
    found = captured.versions(settings, endpoint)[0]
    return None if found < 0 else found


def served(settings: Settings, endpoint: str, whole: Profile, schema: Schema, config: Validate) -> Iterator[Anomaly]:
    """Features that come otherwise to the model than they were in the data: distribution, range, kind, missing.

    Parameters
    ----------
    whole
        Profile of the version; what is served is held against it column by column.
    """
    if newest(settings, endpoint) is None:
        return
    rows = captured.sent(captured.newest(settings, endpoint, ROWS))
    if rows.height < LEAST:
        return
    features = {name: one for name, one in whole.columns.items() if name not in schema.hidden()}
    now = profile(rows.select(name for name in rows.columns if name in features), schema)
    learned = replace(whole, columns=features)
    # JSON has no times: they are served as texts.
    comparable = {
        n: one for n, one in infer(learned, config.missing).items() if one.kind in ("number", "category", "bool")
    }
    for one in anomalies.against_schema({n: comparable[n] for n in comparable if n in now.columns}, now):
        if one.rule in COMPARED:
            yield Anomaly("serving_skew", one.column, f"in what is served, {one.what}", DO, one.evidence)
    yield from drift(learned, now, schema, config, WHERE, "serving_skew")
