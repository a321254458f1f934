"""noria audit: the log of decisions, and whether it is as it was written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Noria


def test_the_newest_entries_are_shown_oldest_first(project: Path, noria: Noria) -> None:
    found = noria("audit", "show", "--json").data
    assert [one["number"] for one in found] == list(range(1, len(found) + 1))
    assert {one["action"] for one in found} >= {"released", "alias champion", "alias challenger", "route"}
    assert noria("audit", "show", "--most", 2, "--json").data == found[-2:]
    assert len(noria("audit", "show").out.splitlines()) == len(found) + 2


def test_an_untouched_log_holds(project: Path, noria: Noria) -> None:
    count = len(noria("audit", "show", "--json").data)
    assert noria("audit", "verify").out == f"{count} entries, the chain holds.\n"
    assert noria("audit", "verify", "--json").data == {"entries": count, "problems": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit SET reason = 'because' WHERE number = 2", "Entry 2 was altered"),
        ("DELETE FROM audit WHERE number = 2", "Entry 2 is missing"),
    ],
    ids=["altered", "removed"],
)
def test_a_changed_log_is_found_out(mine: Path, noria: Noria, change: str, said: str) -> None:
    with closing(sqlite3.connect(mine / ".noria" / "noria.db")) as connection, connection:
        connection.execute(change)
    ended = noria("audit", "verify")
    assert ended.code == 1
    assert said in ended.said
    assert said in noria("audit", "verify", "--json").data["error"]
