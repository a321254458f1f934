"""Captured predictions and feedback, made up: as a server would have left them."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import polars as pl

from noria.data import captured, table
from noria.settings import Settings

BEGAN = datetime.now(UTC) - timedelta(days=30)
MINUTE = timedelta(minutes=1)


def id_of(number: int, began: datetime = BEGAN, every: timedelta = MINUTE) -> str:
    """A prediction's id: a UUID of version 7, in the order of the numbers."""
    at = int((began + number * every).timestamp() * 1000)
    return str(UUID(int=(at << 80) | (7 << 76) | (2 << 62) | number))


def answers(
    settings: Settings, count: int, endpoint: str = "loans", *, began: datetime = BEGAN, every: timedelta = MINUTE
) -> None:
    """Predictions of two versions in turns; the second version is right more often."""
    chance = np.random.default_rng(0)
    yes = chance.uniform(0.05, 0.95, count).round(3)
    rows = [
        {
            "id": id_of(n, began, every),
            "at": (began + n * every).isoformat(timespec="microseconds"),
            "endpoint": endpoint,
            "version": 1 + n % 2,
            "release": f"r{n % 2}",
            "variant": ("champion", "challenger")[n % 2],
            "subject": captured.subject_digest(f"c{n:06d}"),
            "inputs": json.dumps(
                {"applicant": f"c{n:06d}", "age": 20.0 + n % 50, "amount": 40.0, "job": "nurse", "sex": "fm"[n % 3 > 0]}
            ),
            "outputs": json.dumps(
                {"label": "yes" if p > 0.5 else "no", "probabilities": {"no": round(1 - p, 3), "yes": p}}
            ),
        }
        for n, p in enumerate(yes.tolist())
    ]
    table.append(captured.path(settings, endpoint, "predictions"), f"{began}", pl.DataFrame(rows, captured.PREDICTION))


def told(settings: Settings, count: int, endpoint: str = "loans") -> None:
    """The truth of the first predictions, an hour after each: four of five of the first version's, nine of ten else."""
    given = captured.predictions(settings, endpoint).sort("id").head(count).to_dicts()
    rows = []
    for place, row in enumerate(given):
        right = place % (10 if row["version"] == 2 else 5) > 1 if row["version"] == 1 else place % 20 > 1
        label = json.loads(row["outputs"])["label"]
        rows.append(
            {
                "prediction": row["id"],
                "at": (datetime.fromisoformat(row["at"]) + timedelta(hours=1)).isoformat(timespec="microseconds"),
                "label": label if right else {"yes": "no", "no": "yes"}[label],
                "rating": None,
                "source": "test",
            }
        )
    table.append(captured.path(settings, endpoint, "feedback"), f"{count}", pl.DataFrame(rows, captured.FEEDBACK))


def shadowed(settings: Settings, count: int, version: int, endpoint: str = "loans") -> None:
    """What a version beside would have answered to the first predictions: one in four the other label."""
    given = captured.predictions(settings, endpoint).sort("id").head(count).to_dicts()
    rows = []
    for place, row in enumerate(given):
        chances = json.loads(row["outputs"])["probabilities"]
        said = {"no": chances["yes"], "yes": chances["no"]} if place % 4 == 0 else chances
        outputs = json.dumps({"label": max(said, key=said.__getitem__), "probabilities": said})
        own = {"prediction": row["id"], "version": version, "release": "r9", "variant": "shadow", "outputs": outputs}
        rows.append({**own, "at": row["at"]})
    table.append(captured.path(settings, endpoint, "shadows"), "shadows", pl.DataFrame(rows, captured.SHADOW))
