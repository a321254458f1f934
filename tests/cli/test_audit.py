"""noria audit: the log of decisions, and whether it is as it was written."""

import json
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


FREE = "DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept;"  # as who owns the database can
TAMPERED = {
    "altered": ("UPDATE audit SET reason = 'because' WHERE number = 2", "Entry 2 was altered"),
    "one byte": ("UPDATE audit SET actor = replace(actor, 'g', 'h') WHERE number = 1", "Entry 1 was altered"),
    "removed": ("DELETE FROM audit WHERE number = 2", "Entry 2 is missing: after 1 comes 3."),
    "first": ("DELETE FROM audit WHERE number = 1", "Entry 1 is missing: after 0 comes 2."),
    "last": ("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)", "is missing: the log ends at"),
    "all": ("DELETE FROM audit", "are missing: the log ends at 0."),
    "swapped": (
        "UPDATE audit SET number = -1 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3;"
        "UPDATE audit SET number = 3 WHERE number = -1",
        "Entry 2 does not follow from entry 1.",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_changed_log_is_found_out_also_when_it_grew_since(mine: Path, noria: Noria, how: str) -> None:
    change, said = TAMPERED[how]
    with closing(sqlite3.connect(mine / ".noria" / "noria.db")) as connection, connection:
        connection.executescript(FREE + change)
    ended = noria("audit", "verify")
    assert ended.code == 1
    assert said in ended.said
    assert said in noria("audit", "verify", "--json").data["error"]
    assert noria("route", "set", "loans", "1=50", "2=50").code == 0
    assert "missing" in noria("audit", "verify").said or said in noria("audit", "verify").said


@pytest.mark.parametrize("statement", ["UPDATE audit SET reason = ''", "DELETE FROM audit WHERE number = 1"])
def test_the_database_itself_lets_the_log_only_grow(mine: Path, noria: Noria, statement: str) -> None:
    with (
        closing(sqlite3.connect(mine / ".noria" / "noria.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="can only grow"),
    ):
        connection.execute(statement)
    assert noria("audit", "verify").code == 0


def test_an_export_is_checked_without_the_store(mine: Path, noria: Noria) -> None:
    entries = noria("audit", "show", "--json").data
    assert [json.loads(line) for line in noria("audit", "export").out.splitlines()] == entries
    assert noria("audit", "export", "log.jsonl", "--json").data == {"entries": len(entries), "file": "log.jsonl"}
    assert noria("audit", "verify", "log.jsonl").out == f"{len(entries)} entries, the chain holds.\n"
    lines = Path("log.jsonl").read_text().splitlines()
    Path("log.jsonl").write_text("\n".join(lines[:1] + lines[2:]))
    assert "Entry 2 is missing" in noria("audit", "verify", "log.jsonl").said
    Path("log.jsonl").write_text("poem\n")
    ended = noria("audit", "verify", "log.jsonl")
    assert (ended.code, "it is no export of the log" in ended.said) == (2, True)
