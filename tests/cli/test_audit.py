"""noria audit: the log of decisions, and whether it is as it was written."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.digest import Digest
from noria.store import audit

from .conftest import Noria


def test_the_newest_entries_are_shown_oldest_first(project: Path, noria: Noria) -> None:
    found = noria("audit", "show", "--json").data
    assert [one["number"] for one in found] == list(range(1, len(found) + 1))
    assert {one["action"] for one in found} >= {"released", "alias champion", "alias challenger", "route"}
    assert noria("audit", "show", "--most", 2, "--json").data == found[-2:]
    assert len(noria("audit", "show").out.splitlines()) == len(found) + 2


def test_an_untouched_log_holds(project: Path, noria: Noria) -> None:
    count = len(noria("audit", "show", "--json").data)
    found = noria("audit", "verify", "--json").data
    assert (found["entries"], found["problems"]) == (count, [])
    said = noria("audit", "verify", "--expect", found["newest"]).out
    assert said == f"{count} entries, the chain holds.\nTo note elsewhere: --expect {found['newest']}\n"


def test_a_log_written_anew_is_not_the_one_that_was_noted(mine: Path, noria: Noria) -> None:
    noted = noria("audit", "verify", "--json").data["newest"]
    with closing(sqlite3.connect(mine / ".noria" / "noria.db")) as connection, connection:
        connection.executescript(FREE + "DELETE FROM audit; DELETE FROM audit_head")
    assert noria("route", "set", "loans", "1=50", "2=50").code == 0
    assert noria("audit", "verify").code == 0  # in itself it holds
    assert "was noted, and the log ends at 1" in noria("audit", "verify", "--expect", noted).said
    assert "not the one that was noted" in noria("audit", "verify", "--expect", f"1:{'a' * 64}").said
    assert noria("audit", "verify", "--expect", "poem").code == 2


DECISIONS = [
    (["route", "set", "loans", "1=50", "2=50", "--reason", "r"], ["route"]),
    (["model", "promote", "loans@2", "--reason", "r"], ["alias champion", "alias challenger", "route"]),
    (["model", "rollback", "loans", "--reason", "r"], ["alias champion", "route"]),
    (["data", "tag", "loans@1", "gold"], ["tag"]),
    (["data", "untag", "loans", "gold"], ["tag"]),
    (["data", "quarantine", "loans", "{batch}", "--reason", "r"], ["quarantine"]),
    (["data", "restore", "loans", "{batch}", "--reason", "r"], ["restore"]),
    (["token", "create", "ci", "--role", "infer"], ["token created"]),
    (["token", "revoke", "ci"], ["token revoked"]),
    (["gc", "hold", "loans@1", "--reason", "r"], ["hold"]),
    (["gc", "release", "loans@1", "--reason", "r"], ["hold ended"]),
    (["erase", "a000001", "--reason", "r"], ["erase begun", "erase"]),
]


def test_whoever_decides_is_on_record_with_what_changed(mine: Path, noria: Noria) -> None:
    batch = noria("data", "show", "loans@2", "--json").data["version"]["batches"][1]
    for words, actions in DECISIONS:
        before = len(noria("audit", "show", "--most", 999, "--json").data)
        ended = noria(*(word.format(batch=batch) for word in words))
        assert ended.code == 0, (words, ended.err)
        made = noria("audit", "show", "--most", 999, "--json").data[before:]
        assert [one["action"] for one in made] == actions, words
        assert all(one["before"] != one["after"] for one in made if one["action"] != "erase")
    assert noria("audit", "verify").code == 0


TEXT = st.text(max_size=6)
PLAIN = st.none() | st.integers(-9, 9) | st.dictionaries(TEXT, st.floats(allow_nan=False) | TEXT, max_size=2)


@given(TEXT, TEXT, PLAIN, PLAIN)
def test_the_fast_spelling_of_an_entry_is_its_canonical_one(actor: str, reason: str, before: Any, after: Any) -> None:
    one = audit.Entry(3, "2026", actor, "route", "endpoint:x", before, after, reason, audit.FIRST, "")
    fields = {name: getattr(one, name) for name in audit.FIELDS if name != "hash"}
    assert one.computed() == Digest.of_json(fields).hex


@given(st.data())
def test_any_change_of_any_byte_and_any_loss_of_an_entry_is_found(data: st.DataObject) -> None:
    chain: list[audit.Entry] = []
    for number in range(1, data.draw(st.integers(2, 6)) + 1):
        previous = chain[-1].hash if chain else audit.FIRST
        draft = audit.Entry(
            number, f"t{number}", "ann", "route", "endpoint:x", None, {"1": number}, "why", previous, ""
        )
        chain.append(replace(draft, hash=draft.computed()))
    head = audit.Head(chain[-1].number, chain[-1].hash)
    assert list(audit.broken(chain, head)) == []
    place = data.draw(st.integers(0, len(chain) - 1))
    how = data.draw(st.sampled_from(["byte", "remove", "cut", "swap", "twice"]))
    if how == "byte":
        name = data.draw(st.sampled_from(["at", "actor", "action", "subject", "reason", "previous", "hash"]))
        text = getattr(chain[place], name)
        at = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters().filter(lambda one: one != text[at]))
        chain[place] = replace(chain[place], **{name: text[:at] + other + text[at + 1 :]})
    elif how == "remove":
        del chain[place]
    elif how == "cut":
        del chain[place:]
    elif how == "twice":
        chain.insert(place, chain[place])
    else:
        other_place = data.draw(st.integers(0, len(chain) - 1).filter(lambda one: one != place))
        chain[place], chain[other_place] = chain[other_place], chain[place]
    assert list(audit.broken(chain, head)) != []


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
