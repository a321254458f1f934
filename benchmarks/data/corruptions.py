"""Batches that are damaged in known ways, and clean ones: what validation is tried on. All seeded."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from noria.data.schema import Schema

SCHEMA = Schema(label="paid", subject="who", time="at", protected=["sex"], positive="yes")
OLD, NEW = 10_000, 2_000  # rows of the baseline and of a batch
BEGIN = datetime(2025, 1, 1)
ARRIVED = BEGIN + timedelta(days=400)
JOBS = ["clerk", "nurse", "smith", "baker", "pilot", "judge", "miner", "cook"]
CITIES = ["Zürich", "Genève", "Köln", "Málaga", "Ærø", "Paris", "Oslo", "Bern", "Łódź", "Rome"]
WORDS = ["late", "paid", "early", "café", "über", "call", "again", "none", "asked", "naïve"]

Damage = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def rows(count: int, seed: int, *, yes: float = 0.5, day: int = 0) -> pl.DataFrame:
    """Applications of one period; ``yes`` is the share of the label, which the features follow noisily."""
    random = np.random.default_rng(seed)
    label = random.random(count) < yes
    falling = 1 / np.arange(1, 1 + len(JOBS))
    where = np.arange(len(CITIES), 0, -1) ** 1.5
    minutes = np.sort(random.integers(0, 90 * 1440, count))
    frame = pl.DataFrame(
        {
            "who": [f"p{n:09d}" for n in random.choice(10**9, count, replace=False)],
            "at": [BEGIN + timedelta(days=day, minutes=int(m)) for m in minutes],
            "age": random.integers(18, 80, count) + 2 * label,
            "income": (random.lognormal(7.5 + 0.2 * label, 0.6, count)).round(2),
            "temperature": random.normal(20, 6, count).round(1),
            "hours": random.choice([20, 35, 40, 40, 40, 50], count).astype(np.float64),
            "score": np.where(random.random(count) < 0.05, np.nan, random.beta(2, 5, count)),
            "claims": random.poisson(0.6, count),
            "job": random.choice(JOBS, count, p=falling / falling.sum()),
            "city": random.choice(CITIES, count, p=where / where.sum()),
            "sex": random.choice(["f", "m"], count),
            "owner": random.random(count) < 0.3 + 0.1 * label,
            "note": [" ".join(random.choice(WORDS, int(n))) for n in random.integers(3, 12, count)],
            "paid": np.where(label, "yes", "no"),
        }
    )
    return frame.with_columns(pl.col("score").fill_nan(None))


def baseline(seed: int) -> pl.DataFrame:
    return rows(OLD, seed)


def clean(seed: int) -> pl.DataFrame:
    return rows(NEW, 1_000_000 + seed, day=90)


def _part(share: float, column: str, value: pl.Expr) -> Damage:
    """Another value in a share of the rows."""

    def damage(frame: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
        hit = pl.Series(random.random(frame.height) < share)
        return frame.with_columns(pl.when(hit).then(value).otherwise(pl.col(column)).alias(column))

    return damage


def _all(**changes: pl.Expr) -> Damage:
    return lambda frame, _: frame.with_columns(**changes)


def _shift(yes: float) -> Damage:
    """Other rows, with this share of the label."""

    def damage(frame: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
        return rows(NEW, int(random.integers(1 << 31)), yes=yes, day=90)

    return damage


def _mojibake(column: str) -> Damage:
    broken = pl.col(column).map_elements(lambda text: text.encode().decode("latin-1"), return_dtype=pl.String)
    return _all(**{column: broken})


def _again(share: float) -> Damage:
    return lambda frame, random: pl.concat([frame, frame.sample(fraction=share, seed=int(random.integers(1 << 31)))])


def _swapped(a: str, b: str) -> pl.Expr:
    return pl.col("job").replace({a: b, b: a})


def _delivered_before(frame: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    return baseline(BASELINE).sample(NEW, seed=int(random.integers(1 << 31)))


BASELINE = 0  # its seed
SHIFTS = {f"label share 50 to {round(100 * yes)} %": _shift(yes) for yes in (0.2, 0.3, 0.35, 0.4, 0.6, 0.65, 0.7, 0.9)}
AT = pl.col("at")
DAMAGES: Mapping[str, Damage] = {
    **SHIFTS,
    "unit: thousands": _all(income=pl.col("income") / 1000),
    "unit: monthly to yearly": _all(income=pl.col("income") * 12),
    "unit: another currency": _all(income=pl.col("income") * 1.6),
    "unit: Fahrenheit": _all(temperature=pl.col("temperature") * 1.8 + 32),
    "unit: months of age": _all(age=pl.col("age") * 12),
    "sign turned": _all(temperature=-pl.col("temperature")),
    "categories swapped: common": _all(job=_swapped("clerk", "nurse")),
    "categories swapped: common and rare": _all(job=_swapped("clerk", "cook")),
    "categories in upper case": _all(job=pl.col("job").str.to_uppercase()),
    "a category renamed": _all(job=pl.col("job").replace({"smith": "blacksmith"})),
    "categories with a trailing space": _part(0.1, "job", pl.col("job") + " "),
    "categories cut short": _all(city=pl.col("city").str.slice(0, 3)),
    "one category only": _all(job=pl.lit("clerk")),
    "missing burst 20 %": _part(0.2, "income", pl.lit(None, pl.Float64)),
    "missing burst 50 %": _part(0.5, "age", pl.lit(None, pl.Int64)),
    "missing burst 20 % of a category": _part(0.2, "job", pl.lit(None, pl.String)),
    "a column empty": _all(score=pl.lit(None, pl.Float64)),
    "zeros for missing": _part(0.3, "income", pl.lit(0.0)),
    "-9999 for missing": _part(0.02, "score", pl.lit(-9999.0)),
    "batch twice": _again(1.0),
    "a tenth of the rows twice": _again(0.1),
    "old rows delivered again": _delivered_before,
    "encoding: UTF-8 read as Latin-1, category": _mojibake("city"),
    "encoding: UTF-8 read as Latin-1, one in ten": lambda frame, random: pl.concat(
        [_mojibake("city")(frame[: NEW // 10], random), frame[NEW // 10 :]]
    ),
    "time travel: the future": _part(0.01, "at", AT + timedelta(days=3650)),
    "time travel: 1970": _part(0.01, "at", pl.lit(datetime(1970, 1, 1))),
    "time travel: all ten years back": _all(at=AT - timedelta(days=3650)),
    "type: numbers as text": _all(age=pl.col("age").cast(pl.String)),
    "type: truth as numbers": _all(owner=pl.col("owner").cast(pl.Int64)),
    "type: texts as times": _all(job=AT),
    "a column absent": lambda frame, _: frame.drop("hours"),
    "a column renamed": lambda frame, _: frame.rename({"hours": "hours_worked"}),
    "two columns exchanged": _all(age=pl.col("hours").cast(pl.Int64), hours=pl.col("age").cast(pl.Float64)),
    "one number everywhere": _all(hours=pl.lit(40.0)),
    "saturated at the median": _all(income=pl.col("income").clip(upper_bound=1800)),
    "infinite values": _part(0.01, "income", pl.lit(float("inf"))),
    "noise of twice the spread": lambda frame, random: frame.with_columns(
        temperature=pl.col("temperature") + random.normal(0, 12, frame.height)
    ),
    "numbers moved by one deviation": _all(temperature=pl.col("temperature") + 6),
    "only one sex": _all(sex=pl.lit("f")),
    "one sex four times of five": _part(0.6, "sex", pl.lit("f")),
    "leakage: the label under another name": _all(settled=pl.col("paid")),
    "leakage: a number that follows the label": lambda frame, random: frame.with_columns(
        score=pl.when(pl.col("paid") == "yes").then(1.0).otherwise(0.0) + random.random(frame.height) / 2
    ),
    "texts emptied": _part(0.3, "note", pl.lit("")),
    "missing burst 5 %": _part(0.05, "income", pl.lit(None, pl.Float64)),
    "rounded to whole degrees": _all(temperature=pl.col("temperature").round(0)),
    "hard: a column shuffled": lambda frame, _: frame.with_columns(income=pl.col("income").reverse()),
    "texts cut at 10 characters": _all(note=pl.col("note").str.slice(0, 10)),
}


def damaged(name: str, seed: int) -> pl.DataFrame:
    """A clean batch, damaged."""
    return DAMAGES[name](clean(seed), np.random.default_rng(seed))
