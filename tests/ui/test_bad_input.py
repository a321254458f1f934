"""What goes wrong is told on the page, with a status, and nothing that somebody wrote becomes markup."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from noria.store import runs, verdicts
from noria.store.verdicts import Person

from .conftest import HTML, Browser, copied, open_browser, place_of

MARKUP = "<script>alert(1)</script>"
LONG = "x" * 200
RIGHT_TO_LEFT = "מספר הלקוח"


@pytest.mark.parametrize(
    "path",
    [
        "/run/nosuch", "/data/nosuch", "/data/loans@99", "/data/loans@x", "/model/nosuch", "/model/loans@99",
        "/model/loans@0/study", "/route/nosuch", "/feedback/nosuch", "/experiment/nosuch", "/release/nosuch",
        "/artifact/nosuch", "/artifact/../../etc/passwd", "/certificate/nosuch", "/erase/nosuch", "/trace?id=nosuch-7",
        "/chart/data/column?of=nosuch", "/run/loans-1/compare?with=nosuch", "/nosuch", "/run?lifecycle=nosuch",
        "/chart/experiment?of=loans&number=9", "/trace?id=" + "9" * 300, "/data/loans@1/diff?with=nosuch",
        "/run/" + "%2e%2e%2f" * 4 + "ui/secret", "/static/../noria.db",
    ],
)  # fmt: skip
def test_an_unknown_id_is_a_page_that_says_so(seen: Browser, path: str) -> None:
    answer = seen.page(path)
    assert answer.status_code in (404, 400)
    if not path.startswith("/static"):
        assert "Traceback" not in answer.text
        assert "</html>" in answer.text
    wanted = seen.client.get(path, headers={"accept": "application/json"})
    assert wanted.status_code == answer.status_code


def test_a_near_name_leads_to_the_right_one(seen: Browser) -> None:
    assert "Did you mean loans-1?" in seen.page("/run/loan-1").text
    assert "Did you mean loans?" in seen.page("/data/loan").text


@pytest.mark.parametrize("path", ["/run/{}", "/data/{}", "/model/{}", "/trace?id={}", "/route/{}", "/nosuch/{}"])
def test_markup_in_an_address_is_text(seen: Browser, path: str) -> None:
    answer = seen.page(path.format(MARKUP.replace("/", "%2F")))
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_markup_in_what_people_wrote_is_text(mine: Browser) -> None:
    with mine.place.store.begin() as c:
        verdicts.accept(c, mine.place.clock, "loans", 3, Person(MARKUP, f"because {MARKUP}"))
    for path in ("/data/loans@3", "/audit", "/"):
        text = mine.page(path).text
        assert "<script>alert" not in text
    assert "because &lt;script&gt;" in mine.page("/audit").text


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=9999999999999", "page=x", "column=" + LONG, "before=x", "entry=-3", "order=x"]
)
def test_strange_queries_show_the_page(seen: Browser, query: str) -> None:
    for path in ("/data/loans", "/run", "/model/loans/study", "/audit"):
        assert seen.page(f"{path}?{query}").status_code == 200


def test_a_form_that_is_too_large_or_no_form_is_refused(mine: Browser) -> None:
    large = mine.client.post("/model/loans@2/promote", content=b"reason=" + b"x" * (1 << 19), headers=HTML)
    assert large.status_code == 400
    assert "too large" in large.text
    other = mine.client.post(
        "/model/loans@2/promote", content=b"[1]", headers={**HTML, "content-type": "application/json"}
    )
    assert other.status_code == 400
    assert mine.client.post("/nosuch", data={"x": "y"}, headers=HTML).status_code == 404
    assert mine.client.put("/data/loans", headers=HTML).status_code == 405


def test_a_reason_that_is_a_book_is_refused(mine: Browser) -> None:
    refused = mine.send("/model/loans@2", "/model/loans@2/promote", reason="x" * 2_001)
    assert refused.status_code == 400


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of 2,000 columns, one name of 200 letters, one that is read from right to left."""
    folder = tmp_path_factory.mktemp("wide") / "project"
    (folder / "inbox").mkdir(parents=True)
    random = np.random.default_rng(0)
    file = folder / "lifecycle.py"
    file.write_text("import noria as nr\n\nwide = nr.Lifecycle('wide', collect='inbox/*.csv', label='label')\n")
    place = place_of(folder)
    for number in (1, 2):
        columns = {f"c{n:04d}": random.normal(n + number * (n < 3), 1, 120).round(2) for n in range(1_996)}
        names = {LONG: random.normal(0, 1, 120), RIGHT_TO_LEFT: random.choice(["א", "ב"], 120),
                 MARKUP: random.normal(0, 1, 120)}  # fmt: skip
        frame = pl.DataFrame({**columns, **names, "label": random.choice(["yes", "no"], 120)})
        frame.write_csv(folder / "inbox" / f"{number}.csv")
        _collect_and_validate(place, file)
    place.store.close()
    return folder


def _collect_and_validate(place: object, file: Path) -> None:
    """The first two steps: nothing is learned from as many columns as there are rows."""
    from noria.run.execute import Order, execute
    from noria.run.local import _open, compile_file, load

    code = load(file)
    run = _open(place, compile_file(place, file, code), remedy=None, reason=None, trigger="test", cause=None)  # type: ignore[arg-type]
    for word in ("collect", "validate"):
        execute(place, code, Order(run, word))  # type: ignore[arg-type]
    with place.store.begin() as c:  # type: ignore[attr-defined]
        runs.end(c, place.clock, run.id, "stopped")  # type: ignore[attr-defined]


@pytest.fixture
def of_wide(wide: Path, tmp_path: Path) -> Iterator[Browser]:
    yield from copied(wide, tmp_path / "wide")


def test_two_thousand_columns_are_shown_in_pages_and_found(of_wide: Browser) -> None:
    first = of_wide.json("/data/wide")
    assert first["found"] == of_wide.json("/data/wide@1")["found"] == 2_000
    assert (len(first["columns"]), first["pages"]) == (50, 40)
    assert {"c0000", "c0001", "c0002"} <= {one["column"] for one in first["columns"]}
    assert [one["column"] for one in of_wide.json("/data/wide?column=c1234")["columns"]] == ["c1234"]
    text = of_wide.page("/data/wide?column=" + LONG).text
    assert f'<bdi class="long" title="{LONG}">' in text


def test_names_from_right_to_left_keep_their_direction(of_wide: Browser) -> None:
    assert f"<bdi>{RIGHT_TO_LEFT}</bdi>" in of_wide.page("/data/wide?column=" + RIGHT_TO_LEFT).text


@pytest.mark.parametrize("column", [LONG, RIGHT_TO_LEFT, MARKUP])
def test_a_column_of_any_name_is_drawn(of_wide: Browser, column: str) -> None:
    answer = of_wide.client.get("/chart/data/column", params={"of": "wide", "column": column})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "<script>" not in answer.text
    assert len(answer.content) > 1_000


def test_a_store_that_is_away_is_told_and_comes_back(turned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(turned, folder)
    browser = open_browser(place_of(folder))
    with browser.client:
        assert browser.page("/").status_code == 200
        browser.place.store.engine.dispose()
        database = folder / ".noria" / "noria.db"
        for suffix in ("", "-wal", "-shm"):
            part = database.with_name(f"noria.db{suffix}")
            if part.exists():
                part.rename(tmp_path / f"away{suffix}")
        database.write_bytes(b"this is no database, it is being restored" * 50)
        gone = browser.page("/")
        assert gone.status_code == 503
        assert "The store is away" in gone.text
        assert browser.client.get("/", headers={"accept": "application/json"}).status_code == 503
        browser.place.store.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            if (tmp_path / f"away{suffix}").exists():
                (tmp_path / f"away{suffix}").rename(database.with_name(f"noria.db{suffix}"))
        assert browser.page("/").status_code == 200


def test_a_store_that_is_being_migrated_is_told(mine: Browser) -> None:
    with mine.place.store.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO alert_being_moved")
        connection.commit()
    answer = mine.page("/")
    assert answer.status_code == 503
    assert "The store is away" in answer.text


def test_a_run_that_is_being_written_is_shown_as_far_as_it_is(mine: Browser) -> None:
    with mine.place.store.begin() as c:
        plan = runs.newest(c, "loans")[0].plan
        run = runs.start(c, mine.place.clock, plan, key="k", trigger="test", remedy=None)
        runs.claim(c, mine.place.clock, runs.step(c, run.id, "collect").id, owner="somebody/1/2")
    found = mine.json(f"/run/{run.id}")
    assert [one["step"]["state"] for one in found["steps"]][:2] == ["running", "waiting"]
    assert found["bars"][0]["end"] is not None
    text = mine.page(f"/run/{run.id}").text
    assert "somebody/1/2" in text
    assert 'class="moving"' in mine.page("/").text
    assert mine.json("/run")["states"][run.id]["collect"] == "running"


def test_artifacts_that_are_gone_leave_the_page(mine: Browser) -> None:
    shutil.rmtree(mine.place.settings.home / "artifacts")
    (mine.place.settings.home / "artifacts").mkdir()
    for path in ("/", "/run/loans-2", "/data/loans@2", "/model/loans@2", "/audit"):
        assert mine.page(path).status_code == 200, path


def test_a_home_without_anything_is_a_page(tmp_path: Path) -> None:
    (tmp_path / ".noria").mkdir()
    browser = open_browser(place_of(tmp_path))
    with browser.client:
        assert "Nothing has run here yet" in browser.page("/").text
        for path in ("/run", "/data", "/model", "/route", "/feedback", "/trace", "/erase", "/audit"):
            assert browser.page(path).status_code == 200, path
