"""The wheel as a drawing: eight stages on a ring, each a bucket in the colour and with the sign of its state. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin

STAGES = ("collect", "validate", "preprocess", "tune", "train", "analyze", "release", "deploy")
FEEDBACK = "feedback"  # what flows from the last bucket back to the first
SIGNS = {"done": "✓", "reused": "↺", "running": "▶", "blocked": "!", "stopped": "!", "failed": "✕", "waiting": "·"}
WIDTH, HEIGHT, RADIUS = 500, 380, 126
LABEL = 48  # from a bucket's middle to the word beside it


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stage: where its bucket and its word stand, its state, and the sign of it for who sees no colours."""

    word: str
    state: str
    sign: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str
    said: str


def buckets(states: Mapping[str, str], said: Mapping[str, str]) -> list[Bucket]:
    """The ring, the first stage at the top, clockwise.

    Parameters
    ----------
    states
        State by stage; a stage that is missing waits.
    said
        What is known of each stage, in a line.
    """
    return [_bucket(place, word, states.get(word, "waiting"), said.get(word, "")) for place, word in enumerate(STAGES)]


def _bucket(place: int, word: str, state: str, said: str) -> Bucket:
    angle = 2 * pi * (place + 0.5) / len(STAGES) - pi / 2
    right, down = cos(angle), sin(angle)
    x, y = WIDTH / 2 + RADIUS * right, HEIGHT / 2 + RADIUS * down
    label_x = x + (LABEL - 10) * right
    label_y = y + LABEL * down + 5
    anchor = "start" if right > 0.2 else "end" if right < -0.2 else "middle"
    at = [round(number, 1) for number in (x, y, label_x, label_y)]
    return Bucket(word, state, SIGNS.get(state, "·"), at[0], at[1], at[2], at[3], anchor, said)
