"""Distributions that moved, as findings; ``noria.data.moved`` says when one has."""

from collections.abc import Iterator

from noria.data.moved import between
from noria.data.profile import Profile
from noria.data.schema import Schema
from noria.validate.config import Validate
from noria.validate.report import Anomaly

DO = "See the chart; if the source is right, nothing: the model learns it."


def drift(
    before: Profile, after: Profile, schema: Schema, config: Validate, where: str = "", rule: str = "drift"
) -> Iterator[Anomaly]:
    """The columns that moved; ``where`` ends the sentence."""
    for one in between(before, after, schema, config):
        if one.moved:
            what = f"its distribution moved by {one.measures['jensen_shannon']:.2f} of 1{where}"
            yield Anomaly(rule, one.column, what, DO, {**one.measures, "p": one.p})
