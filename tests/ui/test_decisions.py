"""What is decided on pages: as the commands decide it, by whom and why on record, once; the slower one is told."""

import pytest

from noria.store import audit, datasets, experiments, registry, routes

from .conftest import Browser, open_browser


def last(browser: Browser) -> audit.Entry:
    with browser.place.store.read() as c:
        return audit.newest(c, 1)[-1]


def test_a_version_is_accepted(mine: Browser) -> None:
    done = mine.send("/data/loans@3", "/data/loans@3/accept", reason="the change is real")
    assert done.status_code == 303
    with mine.place.store.read() as c:
        assert datasets.get_version(c, "loans", 3).verdict == "warn"
    assert (last(mine).actor, last(mine).action, last(mine).reason) == ("tester", "accept", "the change is real")
    assert "It is accepted" in mine.page(done.headers["location"]).text


def test_a_batch_is_left_out_and_taken_in_again(mine: Browser) -> None:
    batch = mine.json("/data/loans@2")["line"][1]["id"]
    out = mine.send("/data/loans@2", "/data/loans@2/quarantine", batch=batch, reason="a faulty source")
    assert out.status_code == 303
    with mine.place.store.read() as c:
        assert [one.state for one in datasets.batches(c, "loans")] == ["accepted", "quarantined", "accepted"]
    back = mine.send(out.headers["location"].partition("?")[0], f"{_path(out)}/restore", batch=batch, reason="mended")
    assert back.status_code == 303
    with mine.place.store.read() as c:
        assert {one.state for one in datasets.batches(c, "loans")} == {"accepted"}


def _path(answer: object) -> str:
    return str(answer.headers["location"]).partition("?")[0]  # type: ignore[attr-defined]


def test_a_candidate_is_approved(asked: Browser) -> None:
    release = asked.json("/model")["models"][0]["waiting"]
    page = f"/release/{release}"
    assert "Approve" in asked.page(page).text
    done = asked.send(page, f"{page}/approve", reason="the card looks good")
    assert done.status_code == 303
    with asked.place.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 1}
    assert "Decided by" in asked.page(page).text


def test_a_candidate_is_refused(asked: Browser) -> None:
    release = asked.json("/model")["models"][0]["waiting"]
    done = asked.send(f"/release/{release}", f"/release/{release}/refuse", reason="not yet")
    assert done.headers["location"].startswith("/run/loans-1?")
    with asked.place.store.read() as c:
        assert registry.versions(c, "loans") == []
        assert registry.releases(c, "loans")[-1].decision == "refused"


def test_a_version_is_promoted_and_rolled_back(mine: Browser) -> None:
    assert mine.send("/model/loans@2", "/model/loans@2/promote", reason="better").status_code == 303
    with mine.place.store.read() as c:
        assert registry.aliases(c, "loans") == {"champion": 2}
        assert routes.newest(c, "loans").weights == {"2": 100}  # type: ignore[union-attr]
    assert mine.send("/model/loans@2", "/model/loans@2/rollback", reason="worse").status_code == 303
    with mine.place.store.read() as c:
        assert registry.aliases(c, "loans")["champion"] == 1


def test_weights_are_moved_after_a_second_word(mine: Browser) -> None:
    fields = {"weight-1": "70", "weight-2": "30", "reason": "more of the old one"}
    shown = mine.send("/route/loans", "/route/loans/check", **fields)
    assert shown.status_code == 200
    with mine.place.store.read() as c:
        before = routes.newest(c, "loans")
    assert before is not None
    assert before.weights == {"1": 50, "2": 50}, "nothing is set before it is confirmed"
    hidden = {**fields, "revision": str(before.revision), "form": _form(mine)}
    assert mine.post("/route/loans/set", hidden).status_code == 303
    with mine.place.store.read() as c:
        now = routes.newest(c, "loans")
    assert now is not None
    assert (now.weights, now.actor, now.reason) == ({"1": 70, "2": 30}, "tester", "more of the old one")
    late = mine.post("/route/loans/set", hidden)
    assert late.status_code == 409
    assert "tester set revision" in late.text


def _form(browser: Browser) -> str:
    import re

    found = re.search(r'name="form" value="([0-9a-f]+)"', browser.page("/route/loans").text)
    assert found is not None
    return found[1]


def test_an_experiment_is_begun_and_decided(mine: Browser) -> None:
    page = "/experiment/loans"
    begun = mine.send(page, f"{page}/start", challenger="2", effect="0.05", share="40", reason="is it better?",
                      metric="accuracy", approval="person")  # fmt: skip
    assert begun.status_code == 303
    with mine.place.store.read() as c:
        one = experiments.running(c, "loans")
    assert one is not None
    assert (one.challenger, one.weights, one.started_by) == (2, {"1": 60, "2": 40}, "tester")
    assert "is it better?" in mine.page(page).text
    assert "Experiment" in mine.page("/route/loans").text
    done = mine.send(page, f"{page}/decide", word="stop", reason="enough")
    assert done.status_code == 303
    with mine.place.store.read() as c:
        assert experiments.running(c, "loans") is None
        assert experiments.all(c, "loans")[-1].ended_by == "tester"


@pytest.mark.parametrize(
    ("page", "action", "fields"),
    [
        ("/data/loans@3", "/data/loans@3/accept", {}),
        ("/model/loans@2", "/model/loans@2/promote", {}),
        ("/model/loans@2", "/model/loans@2/rollback", {}),
        ("/run/loans-3", "/run/loans/turn", {"remedy": "accept"}),
        ("/route/loans", "/route/loans/check", {"weight-1": "1"}),
    ],
)
def test_nothing_is_decided_without_a_reason(mine: Browser, page: str, action: str, fields: dict[str, str]) -> None:
    before = last(mine).number
    refused = mine.send(page, action, reason="  ", **fields)
    assert refused.status_code == 400
    assert "no reason is given" in refused.text
    assert last(mine).number == before


@pytest.mark.parametrize(
    ("page", "action", "field"),
    [
        ("/data/loans@3", "/data/loans@3/accept", {}),
        ("/model/loans@2", "/model/loans@2/promote", {}),
    ],
)
def test_of_two_who_press_the_same_button_one_wins_and_the_other_is_told(
    mine: Browser, page: str, action: str, field: dict[str, str]
) -> None:
    other = open_browser(mine.place)
    seen_form = _fields(other, page, action)
    assert mine.send(page, action, reason="I was first", **field).status_code == 303
    late = other.post(action, {**seen_form, "reason": "me too", **field})
    assert late.status_code == 409
    assert "I was first" in late.text
    assert "Nothing was changed" in late.text
    assert last(mine).reason == "I was first"


def _fields(browser: Browser, page: str, action: str) -> dict[str, str]:
    import re

    form = next(one for one in re.findall(r"<form.*?</form>", browser.page(page).text, re.S) if action in one)
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def test_what_a_command_refuses_a_page_refuses_with_its_words(mine: Browser) -> None:
    refused = mine.send("/data/loans@3", "/data/loans@3/quarantine", batch="nosuch", reason="x")
    assert refused.status_code == 404
    assert "no batch" in refused.text
    weights = mine.send("/route/loans", "/route/loans/check", reason="x", **{"weight-1": "0", "weight-2": "0"})
    assert weights.status_code == 400
    assert "all weights are 0" in weights.text


def test_decisions_can_be_sent_as_json(mine: Browser) -> None:
    fields = _fields(mine, "/model/loans@2", "/model/loans@2/promote")
    done = mine.client.post(
        "/model/loans@2/promote", json={**fields, "reason": "by a program"}, headers={"accept": "application/json"}
    )
    assert done.json() == {"done": "It is the champion; servers follow within a second.", "see": "/route/loans"}
    again = mine.client.post(
        "/model/loans@2/promote", json={**fields, "reason": "x"}, headers={"accept": "application/json"}
    )
    assert again.status_code == 409
    assert again.json()["error"]["do"] == "Nothing was changed; look again."
