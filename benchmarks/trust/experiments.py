"""How often an A/B verdict is false under continuous peeking, and how often a true effect is found in time.

Subjects come one after another, are divided as the route says, and a verdict is asked for after every hundredth of each
version: what is decided first is what happens. The peer is the same with the 95 % interval of a single look.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.measure import Line, Peer, Target
from noria.feedback.experiment import GO_ON, PROMOTE, Arm, Guard, Rules, verdict
from noria.stats.interval import difference
from noria.stats.sequential import Sample

LIVES, LONGEST, LOOK = 500, 20_000, 100
BASE, EFFECT = 0.80, 0.02
RULES = Rules("accuracy", effect=EFFECT, guards=(Guard("rating", 0.05),))

Decide = Callable[[int, int, int], str | None]


def lines() -> list[Line]:
    none, small, large = (_lives(gap, _sequential) for gap in (0.0, 0.02, 0.04))
    naive = _lives(0.0, _single)
    false = sum(word in ("better", "worse") for word, _ in none) / LIVES
    peer = Peer("95 % interval of one look, peeked at", [sum(w in ("better", "worse") for w, _ in naive) / LIVES])
    found = []
    for gap, lives in ((0.02, small), (0.04, large)):
        times = [when for word, when in lives if word == "better"]
        share = len(times) / LIVES
        middle = int(np.median(times)) if times else LONGEST
        name = f"A/B power, {BASE:.0%} against {BASE + gap:.0%}, {LONGEST:,} subjects each (median {middle:,})"
        found.append(Line(name, "share", [share]))
    return [
        Line(f"A/B false decisions, {LIVES:,} lives of no difference", "share", [false], [peer], Target(0.05)),
        *found,
    ]


def _lives(gap: float, decide: Decide) -> list[tuple[str, int]]:
    """What each life decided first, and after how many subjects of each version."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(LIVES):
        hits = [(random.random(LONGEST) < share).cumsum() for share in (BASE, BASE + gap)]
        for n in range(100, LONGEST + 1, LOOK):
            word = decide(int(hits[0][n - 1]), int(hits[1][n - 1]), n)
            if word is not None:
                found.append((word, n))
                break
        else:
            found.append(("nothing", LONGEST))
    return found


def _sequential(a: int, b: int, n: int) -> str | None:
    rated = Sample(n, 4.0, 0.2 * n)
    arms = [Arm(k, 50, n, {"accuracy": Sample.of_share(h, n), "rating": rated}) for k, h in ((1, a), (2, b))]
    said = verdict(*arms, RULES)
    if said.word == GO_ON:
        return None
    if said.word == PROMOTE:
        return "better"
    return "worse" if "worse" in said.why else "no matter"


def _single(a: int, b: int, n: int) -> str | None:
    low, high = difference(a / n, n, b / n, n)
    return "better" if low > 0 else "worse" if high < 0 else None
