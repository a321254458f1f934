"""What every source must do; a source's tests subclass this and supply where its content arrives."""

import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars import selectors as cs

from collect.feeds import Feed
from data.steps import Bench
from noria.data import table
from noria.errors import BadInput
from noria.store import datasets

DYING = Path(__file__).parent.parent / "collect" / "dying.py"


class SourceContract:
    @pytest.fixture
    def feed(self, tmp_path: Path) -> Feed:
        raise NotImplementedError("each source supplies itself")

    def test_new_content_is_one_batch_and_the_same_content_again_is_none(self, feed: Feed) -> None:
        for number in range(3):
            feed.bring(number)
            collected = feed.bench().do("collect").facts
            assert len(collected["batches"]) == number + 1
            assert held(feed) == [feed.names(n) for n in range(number + 1)]
            again = feed.bench()
            assert again.do("collect").facts == collected
            assert held(feed) == [feed.names(n) for n in range(number + 1)]

    def test_what_was_collected_is_offered_as_it_was_before(self, feed: Feed) -> None:
        from noria.collect import step

        feed.bring(0)
        bench = feed.bench()
        attempt, one = bench.attempt("collect"), bench.run.plan.step("collect")
        before = step.observe(attempt, one)
        bench.do("collect")
        assert step.observe(attempt, one) == before
        feed.bring(1)
        assert step.observe(attempt, one) != before

    def test_two_collectors_at_once_never_lose_or_double_a_batch(self, feed: Feed) -> None:
        for number in range(4):
            feed.bring(number)
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(collected, [feed.bench(), feed.bench()]))
            assert held(feed) == [feed.names(n) for n in range(number + 1)]

    @pytest.mark.system
    def test_killed_at_random_points_table_metadata_and_readers_agree(self, feed: Feed) -> None:
        seed = int(os.environ.get("FAULT_SEED", random.randrange(1_000_000)))
        print(f"FAULT_SEED={seed}")
        words = [type(feed).__name__, str(feed.folder), feed.url, str(seed), str(feed.deaths)]
        done = subprocess.run([sys.executable, str(DYING), *words], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert len(told["deaths"]) >= feed.deaths
        assert len(set(told["deaths"])) > feed.deaths // 5, told
        assert held(feed) == [feed.names(n) for n in range(told["contents"])]
        assert len(agree(feed, told["contents"])) <= told["rivals"]


def agree(feed: Feed, contents: int) -> set[str]:
    """The newest version reads as all that arrived. What files are there that are not the table's: one who died after
    the other had committed the same batch can leave one, in the folder of that batch, where nobody looks for it."""
    bench = feed.bench()
    with bench.store.read() as c:
        newest = datasets.versions(c, "loans")[-1]
    path = f"{bench.settings.data}/loans"
    rows = table.scan(path, newest.batches).collect()
    assert digest(rows) == digest(pl.concat([feed.rows(n) for n in range(contents)], how="diagonal_relaxed"))
    kept = set(pl.DataFrame(DeltaTable(path).get_add_actions())["path"])
    files = {str(file.relative_to(path)) for file in Path(path).glob(f"{table.BATCH}=*/*")}
    assert kept <= files
    assert {file.split("/")[0] for file in files} == {file.split("/")[0] for file in kept}
    bench.store.close()
    return files - kept


def digest(rows: pl.DataFrame) -> str:
    return table.rows_digest(rows.with_columns(cs.decimal().cast(pl.Decimal(38, 2)).cast(pl.String)))


def collected(bench: Bench) -> None:
    """Collect; who was too late does it again, as it is told to."""
    for _ in range(20):
        try:
            bench.do("collect")
            return
        except BadInput as error:
            if "another run collected at the same moment" not in error.what:
                raise
            bench.turn()
    raise AssertionError("it was never through")


def held(feed: Feed, *, newest_only: bool = False) -> list[set[str]]:
    """What names the rows of each batch, in order, as the store, the newest version and the table agree it to be."""
    bench = feed.bench()
    with bench.store.read() as c:
        batches, versions = datasets.batches(c, "loans"), datasets.versions(c, "loans")
    if not versions:
        assert batches == []
        return []
    assert [one.number for one in batches] == list(range(1, len(batches) + 1))
    assert list(versions[-1].batches) == [one.id for one in batches]
    found = []
    for version in versions[-1:] if newest_only else versions:
        rows = table.scan(f"{bench.settings.data}/loans", version.batches).collect()
        assert rows.height == version.rows
        assert rows.select(table.RESERVED).is_unique().all()
        found = [rows.filter(_batch=id)[feed.column].to_list() for id in version.batches]
    assert [len(names) for names in found] == [one.rows for one in batches]
    assert all(len(set(names)) == len(names) for names in found)
    bench.store.close()
    return [set(names) for names in found]
