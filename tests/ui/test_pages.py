"""Every page: what it shows is what the commands say, as HTML and as JSON; every link and picture leads somewhere."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import pytest

from noria.release import history
from noria.store import audit, registry, runs
from noria.ui import charts, pages

from .conftest import Browser
from .filled import id_of

HERE = [
    "/", "/run", "/run?lifecycle=loans", "/run/loans-1", "/run/loans-3", "/run/loans-1/compare?with=loans-2", "/data",
    "/data/loans", "/data/loans@1", "/data/loans@3", "/data/loans@1/diff?with=loans@2", "/model", "/model/loans",
    "/model/loans@2", "/model/loans@2/study", "/model/loans@2/analysis", "/route", "/route/loans", "/experiment/loans",
    "/feedback", "/feedback/loans", "/trace", "/trace?id=loans-2", "/erase", "/audit", "/report",
]  # fmt: skip


class Structure(HTMLParser):
    """Whether tags close in the order in which they were opened."""

    VOID = frozenset(("meta", "link", "input", "img", "br", "hr"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(str(value))
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()


@pytest.mark.parametrize("path", HERE)
def test_a_page_is_whole_html_without_inline_script_or_style(seen: Browser, path: str) -> None:
    answer = seen.page(path)
    assert answer.status_code == 200
    read = Structure()
    read.feed(answer.text)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids)), "ids are there once"
    assert read.inline == []
    assert not re.search(r"<style|<script(?! src=)", answer.text)
    assert "<h1>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", HERE)
def test_the_same_address_is_json_for_who_asks_for_it(seen: Browser, path: str) -> None:
    assert isinstance(seen.json(path), dict)


def test_every_page_that_there_is_was_looked_at() -> None:
    seen = {re.sub(r"[?#].*", "", path) for path in HERE}
    for path, _ in pages.PAGES:
        if path.startswith(("/chart", "/artifact", "/certificate", "/erase/", "/release/")) or "dossier" in path:
            continue  # pictures and files, by the links below; the others have tests of their own
        pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
        assert any(pattern.fullmatch(one) for one in seen), path


def links(text: str) -> Iterator[str]:
    for address in re.findall(r'(?:href|src)="(/[^"#]*)', text):
        yield unescape(address)


def test_every_link_and_every_picture_leads_somewhere(seen: Browser) -> None:
    left, known, wrong = ["/"], {"/"}, []
    while left:
        path = left.pop()
        answer = seen.page(path)
        if answer.status_code != 200:
            wrong.append((path, answer.status_code))
        if "html" in answer.headers["content-type"] and not path.startswith(("/artifact", "/model/loans@1/dossier")):
            fresh = [one for one in dict.fromkeys(links(answer.text)) if one not in known and "/events" not in one]
            known.update(fresh)
            left.extend(fresh)
    assert wrong == []
    for shown in ("/chart/data/column", "/chart/study/parallel", "/chart/analysis/fairness", "/artifact/"):
        assert any(one.startswith(shown) for one in known), shown


def test_the_wheel_tells_who_answers_what_waits_and_how_good_it_is(seen: Browser) -> None:
    wheel = seen.json("/")["wheels"][0]
    assert [bucket["word"] for bucket in wheel["buckets"]] == [
        "collect", "validate", "preprocess", "tune", "train", "analyze", "release", "deploy",
    ]  # fmt: skip
    assert [bucket["state"] for bucket in wheel["buckets"]][:3] == ["done", "blocked", "waiting"]
    with seen.place.store.read() as c:
        aliases = registry.aliases(c, "loans")
    assert {role["alias"]: role["number"] for role in wheel["roles"] if role["alias"]} == aliases
    assert [role["share"] for role in wheel["roles"]] == [50, 50]
    assert wheel["waits"][0]["kind"] == "remedy"
    assert wheel["arrival"]["batches"] == 3
    assert wheel["lead_s"] > 0
    text = seen.page("/").text
    assert "Look and decide" in text
    assert "the share of label" in text


def test_live_performance_comes_when_it_is_counted(seen: Browser) -> None:
    for _ in range(200):
        found = seen.json("/feedback/loans")
        if not found["counting"]:
            break
    assert [one["labelled"] for one in found["versions"]] == [100, 100]
    by_version = {one["version"]: one["measured"] for one in found["versions"]}
    assert by_version[1]["low"] < by_version[1]["value"] < by_version[1]["high"]
    assert found["slices"], "by the protected column"
    windows = found["drift_over_time"]
    assert {one["version"] for one in windows} == {1, 2}
    assert all(one["window"] and one["rows"] for one in windows)
    assert "Drift over time" in seen.page("/feedback/loans").text
    wheel = seen.json("/")["wheels"][0]
    assert {role["number"] for role in wheel["roles"] if role["live"]["measured"]} == {1, 2}
    assert "by 100 labels" in seen.page("/").text


def test_a_run_tells_each_step_why_and_what_it_left(seen: Browser) -> None:
    found = seen.json("/run/loans-2")
    with seen.place.store.read() as c:
        steps = runs.steps(c, "loans-2")
    assert [one["step"]["step"] for one in found["steps"]] == [one.step for one in steps]
    assert [one["step"]["why"] for one in found["steps"]] == [list(one.why or ()) for one in steps]
    assert found["bars"][1]["worked_s"] > 0
    logs = {one["step"]["step"]: one["log"] for one in found["steps"]}
    assert all(text.startswith("— attempt 1, ") for text in logs.values()), "whoever turned it"
    text = seen.page("/run/loans-2").text
    assert "collect gave something else" in text
    assert "/artifact/" in text
    assert "— attempt 1, " in text


def test_a_stopped_run_offers_the_remedies_that_fit(seen: Browser) -> None:
    assert seen.json("/run/loans-3")["remedies"] == ["resample", "reweight", "quarantine", "accept"]
    assert seen.json("/run/loans-2")["remedies"] == []
    assert 'name="remedy" value="resample"' in seen.page("/run/loans-3").text


def test_two_runs_differ_in_what_is_said(seen: Browser) -> None:
    steps = {one["step"]: one for one in seen.json("/run/loans-1/compare?with=loans-2")["steps"]}
    assert steps["validate"]["changes"] == ["collect gave something else: baseline, batches, digest, new, version"]
    assert steps["collect"]["facts"]["rows"] == [600, 900]


def test_data_shows_batches_findings_and_columns_worst_first(seen: Browser) -> None:
    found = seen.json("/data/loans@3")
    assert [(one["number"], one["state"], one["new"]) for one in found["line"]] == [
        (1, "accepted", False), (2, "accepted", False), (3, "accepted", True),
    ]  # fmt: skip
    assert found["anomalies"][0]["rule"] == "label_shift"
    assert found["columns"][0]["status"] == "moved"
    assert {one["label"] for one in found["labels"]} == {"yes", "no"}
    assert "Accept it as it is" in seen.page("/data/loans@3").text
    assert "Accept it as it is" not in seen.page("/data/loans@1").text


def test_a_model_shows_metrics_gates_and_who_answered_when(seen: Browser) -> None:
    found = seen.json("/model/loans@2")
    with seen.place.store.read() as c:
        version = registry.version(c, "loans", 2)
        spans = history.history(c, "loans")
    assert {one["metric"]: one["value"] for one in found["metrics"]} == version.metrics
    assert len(found["spans"]) == len(spans)
    assert found["release"]["verdicts"][0]["verdict"] == "pass"
    asked = seen.json(f"/model/loans?at={spans[0].since.isoformat()[:19]}%2B00:00")["live_at"]
    assert asked["aliases"] == {"champion": 1}
    assert "no time" in seen.json("/model/loans?at=yesterday")["live_at"]["trouble"]


def test_a_study_ranks_its_trials(seen: Browser) -> None:
    found = seen.json("/model/loans@2/study")
    values = [one["value"] for one in found["trials"]]
    assert values == sorted(values, reverse=True)
    assert found["best"]["value"] == values[0]
    numbers = [one["number"] for one in seen.json("/model/loans@2/study?order=number")["trials"]]
    assert numbers == sorted(numbers)


def test_an_analysis_shows_slices_groups_and_calibration(seen: Browser) -> None:
    found = seen.json("/model/loans@2/analysis")
    assert "sex" in found["fairness"]
    assert {one["column"] for one in found["slices"]} >= {"job", "sex"}
    assert found["calibration"]["bins"]
    assert found["sensitivity"]


def test_a_prediction_is_traced_to_its_data(seen: Browser) -> None:
    found = seen.json(f"/trace?id={id_of(3)}")
    kinds = {one["kind"] for one in found["nodes"]}
    assert kinds >= {"prediction", "model_version", "release", "dataset_version", "batch", "source"}
    assert found["row"]["id"] == id_of(3)
    text = seen.page(f"/trace?id={id_of(3)}").text
    assert "/trace?id=model_version:loans@2" in text


@pytest.mark.parametrize("what", ["loans-2", "model_version:loans@2", "dataset_version:loans@1", "source:inbox/1.csv"])
def test_a_trace_begins_at_whatever_is_named(seen: Browser, what: str) -> None:
    assert seen.json(f"/trace?id={what}")["drawing"]["boxes"]


def test_the_log_of_decisions_says_whether_its_chain_holds(seen: Browser) -> None:
    for _ in range(200):
        found = seen.json("/audit")
        if not found["counting"]:
            break
    with seen.place.store.read() as c:
        assert found["count"] == audit.count(c)
    assert found["problems"] == []
    assert "The chain holds" in seen.page("/audit").text


def test_pictures_follow_light_and_dark_and_are_drawn_once(seen: Browser) -> None:
    path = "/chart/model/metrics?of=loans@2"
    first = seen.client.get(path)
    assert first.headers["content-type"] == "image/svg+xml"
    assert "prefers-color-scheme:dark" in first.text
    assert seen.client.get(path).content == first.content
    assert seen.json(path)["config"]["background"] is None


def test_a_picture_of_what_never_changes_is_specified_once(seen: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ["/chart/study/history?of=loans@2", "/chart/study/parallel?of=loans@2", "/chart/analysis/slices?of=loans@2"]
    first = [seen.client.get(path).content for path in paths]
    assert len(set(first)) == 3
    other = seen.client.get("/chart/study/history?of=loans@1").content
    assert other != first[0], "each version has its own"
    monkeypatch.setattr(charts, "specification", lambda drawing: pytest.fail("it was specified again"))
    assert [seen.client.get(path).content for path in paths] == first
    assert seen.client.get("/chart/study/history?of=loans@1").content == other


def test_the_report_tells_how_the_loop_goes_and_what_it_covers(seen: Browser) -> None:
    for _ in range(200):
        found = seen.json("/report")
        if not found["counting"]:
            break
    standing = found["found"][0]["standing"]
    assert standing["loop"]["release_frequency"]["releases"] == 2
    assert len(standing["hierarchy_of_needs"]) == 6
    assert "from the ground up" in seen.page("/report").text
