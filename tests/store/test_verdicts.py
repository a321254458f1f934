"""Decisions about data: what they change, and what they leave on record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.metadata import CLOCK, batch
from noria.errors import NotFound, UserError
from noria.store import audit, datasets, lineage, verdicts
from noria.store.engine import Store, open_store
from noria.store.verdicts import Person

ME = Person("ada", "the source sent it twice")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Two versions: of batch 1, and of batches 1 and 2; the second was blocked."""
    url = f"sqlite:///{tmp_path / 'n.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    store = open_store(url)
    with store.begin() as c:
        for number in (1, 2):
            datasets.add_batch(c, batch(number))
        ids = [one.id for one in datasets.batches(c, "loans")]
        for count, verdict in ((1, "pass"), (2, "block")):
            made = datasets.add_version(c, CLOCK, "loans", ids[:count], 10 * count, None)
            datasets.set_verdict(c, "loans", made.number, verdict=verdict)
    yield store
    store.close()


def ids(store: Store) -> list[str]:
    with store.read() as c:
        return [one.id for one in datasets.batches(c, "loans")]


def test_a_version_without_the_batch_is_the_one_there_was_or_the_next(store: Store) -> None:
    first, second = ids(store)
    with store.begin() as c:
        back = verdicts.quarantine(c, CLOCK, "loans", second[:6], ME)
        assert (back.number, list(back.batches), back.verdict) == (1, [first], "pass")
        assert [one.reason for one in datasets.batches(c, "loans")] == [None, ME.reason]
        again = verdicts.restore(c, CLOCK, "loans", second, Person("ada", "it was right"))
        assert (again.number, list(again.batches)) == (2, [first, second])
        new = verdicts.quarantine(c, CLOCK, "loans", first, ME)
        assert (new.number, list(new.batches), new.rows, new.verdict) == (3, [second], 10, None)


def test_who_decided_and_why_is_on_record_and_reached_from_the_version(store: Store) -> None:
    _, second = ids(store)
    with store.begin() as c:
        verdicts.accept(c, CLOCK, "loans", 2, Person("ada", "prices rose"))
        verdicts.quarantine(c, CLOCK, "loans", second, ME)
        said = [(one.actor, one.action, one.subject, one.reason) for one in audit.entries(c)]
        assert said == [
            ("ada", "accept", "dataset_version:loans@2", "prices rose"),
            ("ada", "quarantine", f"batch:loans/{second}", ME.reason),
        ]
        assert list(audit.problems(c)) == []
        assert "audit:1" in {edge.parent for edge in lineage.up(c, "dataset_version:loans@2")}
        assert "audit:2" in {edge.parent for edge in lineage.up(c, "dataset_version:loans@1")}
        assert "dataset_version:loans@1" not in {edge.child for edge in lineage.down(c, f"batch:loans/{second}")}


def test_an_accepted_version_is_the_baseline_from_now_on(store: Store) -> None:
    with store.begin() as c:
        done = verdicts.accept(c, CLOCK, "loans", 2, ME)
        assert (done.verdict, done.remedy, done.reason) == ("warn", "accept", ME.reason)
        assert datasets.accepted(c, "loans") == done


def test_what_cannot_be_decided_is_refused_with_a_sentence_and_changes_nothing(store: Store) -> None:
    first, second = ids(store)
    with store.begin() as c:
        verdicts.quarantine(c, CLOCK, "loans", second, ME)
        before = [*audit.entries(c), *datasets.batches(c, "loans"), *datasets.versions(c, "loans")]
        for wrong, kind, match in (
            (lambda: verdicts.quarantine(c, CLOCK, "loans", "nope", ME), NotFound, "no batch 'nope'"),
            (lambda: verdicts.quarantine(c, CLOCK, "loans", "", ME), NotFound, "no batch ''"),
            (lambda: verdicts.quarantine(c, CLOCK, "loans", second, ME), UserError, "quarantined already: the source"),
            (lambda: verdicts.quarantine(c, CLOCK, "loans", first, ME), UserError, "no other batch"),
            (lambda: verdicts.quarantine(c, CLOCK, "loans", first, Person("ada", " ")), UserError, "needs a reason"),
            (lambda: verdicts.restore(c, CLOCK, "loans", first, ME), UserError, "is not quarantined"),
            (lambda: verdicts.accept(c, CLOCK, "loans", 1, ME), UserError, "was let pass"),
            (lambda: verdicts.accept(c, CLOCK, "loans", 9, ME), NotFound, "no version 9"),
        ):
            with pytest.raises(kind, match=match):
                wrong()
        assert [*audit.entries(c), *datasets.batches(c, "loans"), *datasets.versions(c, "loans")] == before
