"""A folder of whole files as rows, and a Parquet file that is taken as it is."""

from pathlib import Path

import polars as pl
import pytest

from data.steps import Bench
from noria.collect import marks
from noria.collect.config import Files, Folder
from noria.data import table
from noria.digest import Digest
from noria.errors import BadInput
from noria.lifecycle import Lifecycle
from noria.store import datasets


def put(bench: Bench, name: str, content: bytes) -> Path:
    path = bench.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def rows(bench: Bench) -> pl.DataFrame:
    facts = bench.do("collect").facts
    bench.turn()
    return table.scan(f"{bench.settings.data}/pets", facts["batches"]).collect()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Lifecycle("pets", collect=Folder("inbox"), label="pet"))


def test_each_file_is_a_row_with_the_label_of_its_sub_folder(bench: Bench) -> None:
    put(bench, "cat/deep/1.png", b"miaow")
    put(bench, "dog/2.jpg", b"woof!!")
    put(bench, "3.unheard", b"?")
    put(bench, "cat/.hidden", b"no")
    put(bench, ".cache/4.png", b"no")
    assert rows(bench).select("path", "digest", "bytes", "media", "pet").rows() == [
        ("inbox/3.unheard", Digest.of(b"?").hex, 1, "application/octet-stream", None),
        ("inbox/cat/deep/1.png", Digest.of(b"miaow").hex, 5, "image/png", "cat"),
        ("inbox/dog/2.jpg", Digest.of(b"woof!!").hex, 6, "image/jpeg", "dog"),
    ]


def test_only_new_content_under_a_label_is_a_new_row(bench: Bench) -> None:
    one = put(bench, "cat/1.png", b"1")
    put(bench, "dog/2.png", b"2")
    assert rows(bench).height == 2
    one.rename(bench.inbox / "cat" / "renamed.png")
    put(bench, "cat/copy.png", b"1")
    assert rows(bench).height == 2
    put(bench, "dog/1.png", b"1")
    put(bench, "cat/3.png", b"3")
    assert rows(bench)["path"].to_list()[2:] == ["inbox/cat/3.png", "inbox/dog/1.png"]
    with bench.store.read() as c:
        assert [b.rows for b in datasets.batches(c, "pets")] == [2, 2]


def test_a_folder_that_is_not_there_or_has_no_room_for_the_label_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder images"):
        rows(Bench(tmp_path, Lifecycle("pets", collect=Folder("images"), label="pet")))
    bench = Bench(tmp_path, Lifecycle("pets", collect=Folder("inbox"), label="path"))
    put(bench, "cat/1.png", b"1")
    with pytest.raises(BadInput, match="like another column"):
        rows(bench)


def test_a_parquet_file_that_fits_is_in_the_table_byte_by_byte(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Lifecycle("pets", collect=Files("inbox/*"), label="pet"))
    pl.DataFrame({"size": [1, 2], "pet": ["cat", "dog"]}).write_parquet(bench.inbox / "1.parquet", compression="lz4")
    pl.DataFrame({"size": [3.0], "pet": ["cow"]}).write_parquet(bench.inbox / "2.parquet")
    found = rows(bench)
    assert found.select("size", "pet", "_row").rows() == [(1, "cat", 0), (2, "dog", 1), (3, "cow", 0)]
    kept = {Digest.of_file(file).hex for file in Path(bench.settings.data, "pets").rglob("*.parquet")}
    given = [Digest.of_file(bench.inbox / name).hex for name in ("1.parquet", "2.parquet")]
    assert [one in kept for one in given] == [True, False]


@pytest.mark.parametrize("name", ["1.parquet", "1.csv"])
def test_a_file_that_changes_while_it_is_collected_is_not_taken(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, Lifecycle("pets", collect=Files("inbox/*"), label="pet"))
    frame = pl.DataFrame({"size": [1, 2], "pet": ["cat", "dog"]})
    write = frame.write_parquet if name.endswith("parquet") else frame.write_csv
    write(bench.inbox / name)
    digests = marks.digests

    def and_then_it_grows(world: object, paths: list[Path]) -> dict[Path, tuple[str, marks.Mark]]:
        found = digests(world, paths)
        pl.concat([frame, frame]).write_csv(bench.inbox / name)
        write(bench.inbox / name)
        return found

    with monkeypatch.context() as patched, pytest.raises(BadInput, match="changed while it was collected"):
        patched.setattr(marks, "digests", and_then_it_grows)
        bench.do("collect")
    assert not table.has(f"{bench.settings.data}/pets", Digest.of_file(bench.inbox / name).hex[:16])
    bench.turn()
    assert rows(bench).height == 2
