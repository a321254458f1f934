"""A text file that grows in place gives its new rows alone; one that is corrected, all of its rows."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.steps import Bench
from noria.data import table
from noria.errors import BadInput
from noria.lifecycle import Lifecycle
from noria.store import datasets

HEAD = "who,code,paid\n"
ONE, TWO, THREE = "a,x1,yes\nb,7,no\n", 'c,007,yes\n"d\n,",8,no\n', "e,9,yes\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Lifecycle("loans", collect="inbox/*", label="paid"))


def collected(bench: Bench, content: str, name: str = "log.csv") -> list[list[str]]:
    """What names the rows, by batch of the newest version."""
    bench.arrive(name, content)
    bench.turn()
    ids = bench.do("collect").facts["batches"]
    rows = table.scan(f"{bench.settings.data}/loans", ids).collect()
    return [rows.filter(_batch=id)["who"].to_list() for id in ids]


def batches(bench: Bench) -> list[datasets.Batch]:
    with bench.store.read() as c:
        return datasets.batches(c, "loans")


def accept(bench: Bench) -> None:
    """As validation would."""
    with bench.store.begin() as c:
        datasets.set_verdict(c, "loans", datasets.versions(c, "loans")[-1].number, verdict="pass")


@pytest.mark.parametrize("accepted", [True, False])
def test_what_was_added_is_the_next_batch(bench: Bench, *, accepted: bool) -> None:
    first = collected(bench, HEAD + ONE)
    assert first == [["a", "b"]]
    if accepted:
        accept(bench)
    assert collected(bench, HEAD + ONE + TWO) == [["a", "b"], ["c", "d\n,"]]
    assert collected(bench, HEAD + ONE + TWO) == [["a", "b"], ["c", "d\n,"]]
    assert collected(bench, HEAD + ONE + TWO + THREE) == [["a", "b"], ["c", "d\n,"], ["e"]]
    one, two, three = batches(bench)
    assert (two.source["after"], two.source["from"]) == (one.digest, len(HEAD + ONE))
    assert (three.source["after"], three.bytes) == (two.digest, len(THREE))
    rows = table.scan(f"{bench.settings.data}/loans", [one.id, two.id, three.id]).collect()
    assert rows["code"].to_list() == ["x1", "7", "007", "8", "9"], (
        "as the table holds it, also where it looks otherwise"
    )


def test_json_lines_grow_too(bench: Bench) -> None:
    line = '{{"who": "{}", "paid": "yes"}}\n'.format
    assert collected(bench, line("a"), "log.jsonl") == [["a"]]
    assert collected(bench, line("a") + line("b"), "log.jsonl") == [["a"], ["b"]]


def test_a_corrected_file_is_new_as_a_whole_with_all_that_it_grew_by(bench: Bench) -> None:
    collected(bench, HEAD + ONE)
    collected(bench, HEAD + ONE + TWO)
    assert collected(bench, HEAD + "z,x1,yes\nb,7,no\n" + TWO) == [["z", "b", "c", "d\n,"]]
    assert collected(bench, HEAD + ONE + TWO) == [["a", "b"], ["c", "d\n,"]], "it is as it was again"
    assert collected(bench, HEAD + ONE) == [["a", "b"]], "and what was added is gone"


def test_where_the_end_was_no_line_end_the_file_is_new_as_a_whole(bench: Bench) -> None:
    assert collected(bench, (HEAD + ONE).rstrip()) == [["a", "b"]]
    assert collected(bench, (HEAD + ONE).rstrip() + "thing\nc,1,no\n") == [["a", "b", "c"]]


def test_a_mistake_in_what_was_added_is_told_with_its_line_in_the_file(bench: Bench) -> None:
    collected(bench, HEAD + ONE)
    with pytest.raises(BadInput, match="line 4 has 2 fields instead of 3"):
        collected(bench, HEAD + ONE + "c,1\n")
    assert collected(bench, HEAD + ONE + THREE) == [["a", "b"], ["e"]]


def test_each_lifecycle_takes_what_it_lacks(tmp_path: Path, bench: Bench) -> None:
    collected(bench, HEAD + ONE)
    collected(bench, HEAD + ONE + TWO)
    other: Any = Bench(tmp_path, Lifecycle("later", collect="inbox/*", label="paid"))
    facts = other.do("collect").facts
    rows = table.scan(f"{other.settings.data}/later", facts["batches"]).collect()
    assert (len(facts["batches"]), rows.height) == (1, 4)
    assert rows["code"].dtype == pl.String
