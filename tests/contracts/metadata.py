"""What the metadata store must do, on every engine."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from noria.clock import FixedClock
from noria.digest import Digest
from noria.errors import NotFound, Superseded, UserError
from noria.plan import Plan, Step
from noria.store import audit, datasets, erasures, lineage, memo, registry, routes, runs, scrub
from noria.store.attempt import Output, Result
from noria.store.engine import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOON)
PLAN = Plan("loans", (Step("collect"), Step("validate", needs=("collect",))), bundle="b", entry="loans.py")
RESULT = Result({"rows": 3}, {"model": Output(Digest.of(b"m"), "text/plain", 1)})


def batch(number: int, content: str | None = None) -> datasets.Batch:
    digest = Digest.of((content or str(number)).encode()).hex
    source = {"name": "a.csv"}
    return datasets.Batch(
        digest[:16], "loans", number, digest, 10, 100, "files", source, None, "accepted", None, None, NOON
    )


def model(number: int) -> registry.ModelVersion:
    return registry.ModelVersion(
        "loans", number, "p", "onnx", "loans-1", "loans", 1, {"C": 1.0}, {"auc": 0.9}, f"r{number}", NOON
    )


ERASURE = erasures.Erasure(
    "e1", "digest", "told", ["loans"], "begun", "retrain", "a", "asked", {}, None, None, NOON, None
)  # fmt: skip


def _nobody(value: object) -> object:
    """Plain data without a certain name."""
    if isinstance(value, str):
        return value.replace("ann", "-")
    if isinstance(value, dict):
        return {_nobody(name): _nobody(one) for name, one in value.items()}
    return [_nobody(one) for one in value] if isinstance(value, list) else value


UNGUARDED = {
    "sqlite": ["DROP TRIGGER audit_stays", "DROP TRIGGER audit_is_kept"],
    "postgresql": ["ALTER TABLE audit DISABLE TRIGGER ALL"],
}


def decisions(store: Store, count: int) -> None:
    with store.begin() as c:
        for number in range(count):
            audit.record(c, CLOCK, actor="a", action="x", subject=str(number))


class MetadataContract:
    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("each engine supplies itself")

    @pytest.fixture
    def run(self, store: Store) -> runs.Run:
        with store.begin() as c:
            return runs.start(c, CLOCK, PLAN, key="k", trigger="person", remedy=None)

    def test_a_transaction_that_fails_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(RuntimeError), store.begin() as c:
            datasets.add_batch(c, batch(1))
            raise RuntimeError
        with store.read() as c:
            assert datasets.batches(c, "loans") == []

    def test_times_come_back_in_utc(self, store: Store, run: runs.Run) -> None:
        assert run.started_at == NOON
        assert run.started_at.utcoffset() == timedelta(0)

    def test_runs_are_numbered_within_a_lifecycle(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            second = runs.start(c, CLOCK, PLAN, key="k", trigger="person", remedy=None)
        assert (run.number, second.number) == (1, 2)
        assert second.plan == PLAN

    def test_a_finished_step_gives_back_its_result(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            step = runs.step(c, run.id, "collect")
            number = runs.claim(c, CLOCK, step.id, owner="me")
            runs.finish(c, CLOCK, step.id, number, "done", RESULT)
        with store.read() as c:
            assert runs.result(c, step.id) == RESULT
            assert runs.step(c, run.id, "collect").state == "done"

    def test_an_overtaken_attempt_cannot_commit(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            step = runs.step(c, run.id, "collect")
            old = runs.claim(c, CLOCK, step.id, owner="first")
            new = runs.claim(c, CLOCK, step.id, owner="second")
        with pytest.raises(Superseded), store.begin() as c:
            datasets.add_batch(c, batch(1))
            runs.finish(c, CLOCK, step.id, old, "done", RESULT)
        with store.begin() as c:
            assert datasets.batches(c, "loans") == []
            assert not runs.renew(c, CLOCK, step.id, old)
            runs.finish(c, CLOCK, step.id, new, "done", RESULT)

    def test_a_finished_step_cannot_be_finished_again(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            step = runs.step(c, run.id, "collect")
            number = runs.claim(c, CLOCK, step.id, owner="me")
            runs.finish(c, CLOCK, step.id, number, "done", RESULT)
        with pytest.raises(Superseded), store.begin() as c:
            runs.finish(c, CLOCK, step.id, number, "done", RESULT)

    def test_only_what_was_done_can_be_used_again(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            for word, state in (("collect", "done"), ("validate", "blocked")):
                step = runs.step(c, run.id, word)
                runs.mark(c, step.id, fingerprint=f"print of {word}")
                runs.finish(c, CLOCK, step.id, runs.claim(c, CLOCK, step.id, owner="me"), state, Result({}, {}))
        with store.read() as c:
            assert runs.reusable(c, "loans", "collect", "print of collect") is not None
            assert runs.reusable(c, "loans", "collect", "another print") is None
            assert runs.reusable(c, "others", "collect", "print of collect") is None
            assert runs.reusable(c, "loans", "validate", "print of validate") is None

    def test_the_same_batch_again_is_no_new_batch(self, store: Store) -> None:
        with store.begin() as c:
            datasets.add_batch(c, batch(1, "x"))
            datasets.add_batch(c, batch(1, "x"))
            assert len(datasets.batches(c, "loans")) == 1

    def test_two_datasets_may_take_in_the_same_content(self, store: Store) -> None:
        with store.begin() as c:
            datasets.add_batch(c, batch(1))
            datasets.add_batch(c, replace(batch(1), dataset="cars"))
        with store.read() as c:
            assert [len(datasets.batches(c, name)) for name in ("loans", "cars")] == [1, 1]

    def test_the_same_batches_are_the_same_version(self, store: Store) -> None:
        with store.begin() as c:
            one = datasets.add_version(c, CLOCK, "loans", ["a", "b"], 20, None)
            assert datasets.add_version(c, CLOCK, "loans", ["a", "b"], 20, None) == one
            assert datasets.add_version(c, CLOCK, "loans", ["b", "a"], 20, None).number == 2

    def test_the_baseline_is_the_newest_version_that_was_let_pass(self, store: Store) -> None:
        with store.begin() as c:
            for number, verdict in ((1, "pass"), (2, "block")):
                datasets.add_version(c, CLOCK, "loans", [str(number)], 1, None)
                datasets.set_verdict(c, "loans", number, verdict=verdict)
            assert datasets.add_version(c, CLOCK, "loans", ["3"], 1, None).baseline == 1

    def test_a_tag_moves(self, store: Store) -> None:
        with store.begin() as c:
            datasets.set_tag(c, CLOCK, "loans", "gold", 1, actor="a")
            datasets.set_tag(c, CLOCK, "loans", "gold", 2, actor="a")
            assert datasets.tags(c, "loans") == {"gold": 2}
            datasets.remove_tag(c, CLOCK, "loans", "gold", actor="a")
            assert datasets.tags(c, "loans") == {}

    def test_what_a_batch_s_rows_are_is_put_on_record_once(self, store: Store) -> None:
        with store.begin() as c:
            datasets.add_batch(c, batch(1))
            datasets.set_rows_digest(c, "loans", batch(1).id, "1:10:a")
            datasets.set_rows_digest(c, "loans", batch(1).id, "1:10:b")
            assert [one.rows_digest for one in datasets.batches(c, "loans")] == ["1:10:a"]

    def test_a_version_keeps_where_time_is_cut(self, store: Store) -> None:
        with store.begin() as c:
            datasets.add_version(c, CLOCK, "loans", ["b"], 10, None)
            assert datasets.get_version(c, "loans", 1).cuts is None
            datasets.set_verdict(c, "loans", 1, cuts=[(1.5, "train")])
            assert datasets.get_version(c, "loans", 1).cuts == [[1.5, "train"]]

    def test_an_alias_moves_and_every_move_is_audited(self, store: Store, run: runs.Run) -> None:
        with store.begin() as c:
            for number in (1, 2):
                registry.add_version(c, model(number))
                registry.set_alias(c, CLOCK, "loans", "champion", number, actor="a", reason="r")
            registry.set_alias(c, CLOCK, "loans", "champion", 2, actor="a", reason="again")
            champion = registry.champion(c, "loans")
            assert champion is not None
            assert champion.number == 2
            assert [e.after for e in audit.entries(c)] == [1, 2]

    def test_an_unknown_version_is_not_found(self, store: Store) -> None:
        with store.read() as c, pytest.raises(NotFound, match="no version 7"):
            registry.version(c, "loans", 7)

    def test_the_same_weights_are_no_new_revision(self, store: Store) -> None:
        with store.begin() as c:
            first = routes.set_weights(c, CLOCK, "loans", {"1": 100}, actor="a", reason="r")
            assert routes.set_weights(c, CLOCK, "loans", {"1": 100}, actor="a", reason="r") == first
            second = routes.set_weights(c, CLOCK, "loans", {"1": 90, "2": 10}, actor="a", reason="r")
            assert (second.revision, second.salt) == (2, first.salt)
            assert routes.all_newest(c) == [second]
            third = routes.set_weights(c, CLOCK, "loans", {"1": 90, "2": 10}, actor="a", reason="r", explore=0.02)
            fourth = routes.set_weights(c, CLOCK, "loans", {"1": 50, "2": 50}, actor="a", reason="r")
            assert [(one.revision, one.explore) for one in (third, fourth)] == [(3, 0.02), (4, 0.02)]

    def test_lineage_walks_both_ways(self, store: Store) -> None:
        with store.begin() as c:
            for child, parent in (
                ("model:1", "run:1"),
                ("run:1", "batch:1"),
                ("run:1", "batch:2"),
                ("model:1", "run:1"),
            ):
                lineage.link(c, child, parent, "of")
            assert {e.parent for e in lineage.up(c, "model:1")} == {"run:1", "batch:1", "batch:2"}
            assert {e.child for e in lineage.down(c, "batch:2")} == {"run:1", "model:1"}

    @pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x' WHERE number = 2", "DELETE FROM audit"])
    def test_the_log_of_decisions_can_only_grow(self, store: Store, statement: str) -> None:
        decisions(store, 4)
        with pytest.raises(DBAPIError, match="can only grow"), store.begin() as c:
            c.exec_driver_sql(statement)
        with store.read() as c:
            assert list(audit.problems(c)) == []

    def test_what_was_changed_past_the_guard_shows_in_the_chain(self, store: Store) -> None:
        decisions(store, 5)
        with store.begin() as c:
            for statement in UNGUARDED[c.dialect.name]:
                c.exec_driver_sql(statement)
            c.exec_driver_sql("UPDATE audit SET actor = 'somebody else' WHERE number = 2")
            assert [p.split(" ")[1] for p in audit.problems(c)] == ["2"]
            c.exec_driver_sql("DELETE FROM audit WHERE number = 2")
            assert "Entry 2 is missing: after 1 comes 3." in list(audit.problems(c))
            c.exec_driver_sql("DELETE FROM audit WHERE number > 3")
            assert list(audit.problems(c))[-1] == "Entries 4 to 5 are missing: the log ends at 3."
            audit.record(c, CLOCK, actor="a", action="x", subject="after")
            assert list(audit.problems(c))[-1] == "Entries 4 to 5 are missing: after 3 comes 6."

    def test_while_an_erasure_is_open_no_step_of_its_datasets_starts(self, store: Store) -> None:
        with store.begin() as c:
            erasures.begin(c, ERASURE)
        for dataset, refused in (("loans", True), ("prices", False)):
            with (
                pytest.raises(UserError, match="erasure e1 of loans") if refused else nullcontext(),
                store.begin() as c,
            ):
                erasures.must_not_be_open(c, dataset)
        with store.begin() as c:
            erasures.note(c, "e1", state=erasures.DONE)
            erasures.must_not_be_open(c, "loans")
            assert erasures.refused(c, "loans") == {"digest": "told"}
            assert erasures.refused(c, "prices") == {}

    def test_a_version_says_what_was_taken_out_of_it_once(self, store: Store) -> None:
        with store.begin() as c:
            erasures.begin(c, ERASURE)
            datasets.add_batch(c, batch(1))
            datasets.add_batch(c, batch(2))
            made = datasets.add_version(c, CLOCK, "loans", [batch(1).id, batch(2).id], 20, None)
        for _ in range(2):
            with store.begin() as c:
                erasures.cut_batch(c, "loans", batch(1).id, 7, "1:7:00")
                erasures.cut_versions(c, CLOCK, "e1", "loans", {made.number})
                erasures.flag(c, "e1", "loans", 1)
        with store.read() as c:
            assert datasets.get_version(c, "loans", 1).rows == 17
            (said,) = erasures.amendments(c, "loans")[1]
            assert (said.rows_before, said.rows_after, said.erasure) == (20, 17, "e1")
            assert erasures.touching(c, "loans") == ["e1"]
            assert [one.id for one in erasures.flagged(c)["loans", 1]] == ["e1"]

    def test_what_is_written_anywhere_can_be_changed_but_the_log_of_decisions(
        self, store: Store, run: runs.Run
    ) -> None:
        with store.begin() as c:
            step = runs.steps(c, run.id)[0]
            runs.mark(c, step.id, message="of ann", facts={"who": ["ann", 3], "n": 1})
            lineage.link(c, "artifact:ann", "source:ann.csv", "of")
            memo.remember(c, "file", {"ann.csv": {"digest": "d"}, "ben.csv": {"digest": "e"}})
            audit.record(c, CLOCK, actor="a", action="x", subject="ann")
        with store.begin() as c:
            assert scrub.change(c, _nobody) == 3
            assert scrub.change(c, _nobody) == 0
        scrub.vacuum(store)
        with store.read() as c:
            assert not any("ann" in text for text in scrub.texts(c) if text != "ann")
            assert runs.steps(c, run.id)[0].facts == {"who": ["-", 3], "n": 1}
            assert sorted(memo.recall(c, "file")) == ["-.csv", "ben.csv"]
            assert list(audit.problems(c)) == []

    def test_writers_at_once_lose_nothing(self, store: Store) -> None:
        def write() -> None:
            for _ in range(10):
                with store.begin() as c:
                    audit.record(c, CLOCK, actor="a", action="x", subject="s")

        in_parallel([write] * 4)
        with store.read() as c:
            assert len(list(audit.entries(c))) == 40
            assert list(audit.problems(c)) == []

    def test_one_of_many_claims_wins(self, store: Store, run: runs.Run) -> None:
        won: list[int] = []

        def work() -> None:
            try:
                with store.begin() as c:
                    number = runs.claim(c, CLOCK, runs.step(c, run.id, "collect").id, owner="me")
                with store.begin() as c:
                    runs.finish(c, CLOCK, runs.step(c, run.id, "collect").id, number, "done", RESULT)
                won.append(number)
            except Superseded:
                pass

        in_parallel([work] * 4)
        assert len(won) == 1


def in_parallel(works: list[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
