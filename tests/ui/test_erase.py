"""Erasing from a page: first what there is, then a second word, then the certificate."""

import re
import time

from noria.store import erasures

from .conftest import Browser

KEY = "a000007"


def form(browser: Browser) -> str:
    found = re.search(r'name="form" value="([0-9a-f]+)"', browser.page("/erase").text)
    assert found is not None
    return found[1]


def test_looking_changes_nothing_and_counts(mine: Browser) -> None:
    shown = mine.post("/erase/look", {"form": form(mine), "subject": KEY})
    assert shown.status_code == 200
    assert re.search(r"batch [0-9a-f]{16}</td><td class=\"n\">1<", shown.text)
    assert "Erase for ever" in shown.text
    nobody = mine.post("/erase/look", {"form": form(mine), "subject": "nobody"})
    assert "There is nothing of this subject." in nobody.text
    assert "Erase for ever" not in nobody.text
    with mine.place.store.read() as c:
        assert erasures.all(c) == []


def test_a_key_that_is_not_written_again_and_a_reason_that_names_it_are_refused(mine: Browser) -> None:
    fields = {"form": form(mine), "subject": KEY, "again": KEY, "reason": "asked for it", "models": "retrain"}
    for changed, said in (
        ({"again": "a000008"}, "not written again"),
        ({"again": ""}, "not written again"),
        ({"reason": f"{KEY} asked"}, "names the subject"),
        ({"reason": ""}, "no reason"),
        ({"models": "forget"}, "no policy"),
    ):
        refused = mine.post("/erase/now", {**fields, **changed})
        assert refused.status_code == 400
        assert said in refused.text
    with mine.place.store.read() as c:
        assert erasures.all(c) == []


def test_a_subject_is_erased_and_certified(mine: Browser) -> None:
    fields = {"form": form(mine), "subject": KEY, "again": KEY, "reason": "asked for it", "models": "retrain"}
    begun = mine.post("/erase/now", fields)
    assert begun.status_code == 303
    job = begun.headers["location"].partition("?")[0]
    end = time.monotonic() + 60
    while mine.json(job)["job"]["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.1)
    found = mine.json(job)["job"]
    assert found["state"] == "done", found
    page = mine.page(f"/certificate/{found['erasure']}")
    assert "Certificate of erasure" in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    certificate = mine.json(f"/certificate/{found['erasure']}")
    assert certificate["by"] == "tester"
    assert certificate["datasets"][0]["batches"][0]["rows_removed"] == 1
    assert KEY not in page.text
    assert KEY not in mine.page("/erase").text
    assert "erased" in {one["state"] for one in mine.json("/data/loans@2")["line"]}
    assert "rows were erased" not in mine.page("/data/loans@2").text
    assert "Amended by erasure" in mine.page("/data/loans@2").text
    shown = mine.post("/erase/look", {"form": form(mine), "subject": KEY})
    assert "There is nothing of this subject." in shown.text
