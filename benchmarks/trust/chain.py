"""Verifying a log of a hundred thousand decisions, beside hashing its text alone."""

import hashlib
import json

from benchmarks.measure import Line, Peer, Target, in_turns, timed
from benchmarks.trust import history
from noria.store import audit
from noria.store.engine import Store

ENTRIES = 100_000


def lines() -> list[Line]:
    with history.place() as home:
        with home.store.begin() as c:
            for number in range(ENTRIES):
                audit.record(
                    c, history.CLOCK, actor="gates", action="released", subject="model:loans",
                    before={"release": "abc", "number": number}, after={"number": number + 1},
                    reason="every gate holds",
                )  # fmt: skip
        texts = _texts(home.store)
        took = in_turns({
            "noria": lambda: timed(lambda: _verified(home.store)),
            "hash": lambda: timed(lambda: [hashlib.sha256(text).hexdigest() for text in texts]),
        })  # fmt: skip
    peer = Peer("SHA-256 of the same text alone (the limit)", took["hash"])
    return [Line("audit verify, 100,000 entries", "s", took["noria"], [peer], Target(1.0))]


def _verified(store: Store) -> None:
    with store.read() as c:
        assert list(audit.problems(c)) == []


def _texts(store: Store) -> list[bytes]:
    with store.read() as c:
        return [
            json.dumps([one.number, one.before, one.after, one.reason, one.previous]).encode()
            for one in audit.entries(c)
        ]
