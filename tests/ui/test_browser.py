"""A person with a browser lives through the story by clicking; and every page can be read by everybody."""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import projects
from noria.run.local import turn
from noria.store import audit, registry, routes

from .chromium import chromium, pages_of, watched
from .conftest import place_of
from .filled import answers, told

SCREENSHOTS = os.environ.get("NORIA_SCREENSHOTS", "")  # a folder: the pictures of README and guide are made there
SHOWN_BY = os.environ.get("NORIA_SCREENSHOTS_OF", "")  # the address of the pages of a demo that was kept
PAGES = [
    "/", "/run", "/run/loans-2", "/run/loans-3", "/run/loans-1/compare?with=loans-2", "/data", "/data/loans@3",
    "/data/loans@1/diff?with=loans@2", "/model", "/model/loans@2", "/model/loans@2/study", "/model/loans@2/analysis",
    "/route", "/route/loans", "/experiment/loans", "/feedback", "/feedback/loans", "/trace",
    "/trace?id=model_version:loans@2", "/erase", "/audit", "/report", "/sign-in", "/nosuch",
]  # fmt: skip
WIDTHS = {"wide": 1280, "narrow": 400}
LONG_S = 90_000  # ms that a turn may take here

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def shown(turned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Pages to look at only."""
    folder = tmp_path_factory.mktemp("shown") / "project"
    shutil.copytree(turned, folder)
    with pages_of(folder) as address:
        yield address


def picture(page: Page, name: str) -> None:
    """Keep what the page shows, if somebody wants pictures."""
    if SCREENSHOTS:
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_everybody(browser: Browser, shown: str, path: str) -> None:
    """Axe finds nothing serious, light and dark, wide and narrow; nothing is wider than the screen; nothing is refused
    by the policy."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    heard = watched(page)
    page.goto(shown + path)
    for name, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: one has to scroll sideways"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found = Axe().run(page).response["violations"]
            grave = [
                (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert grave == [], f"{name}, {scheme}"
    wrong = [text for text in heard if "404" not in text]
    assert wrong == []
    page.close()


def test_charts_are_drawn_and_one_can_move_about_in_them(browser: Browser, shown: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-US")
    heard = watched(page)
    page.goto(f"{shown}/model/loans@2/study")
    images = page.locator("figure img")
    expect(images).to_have_count(2)
    for place in range(2):
        images.nth(place).scroll_into_view_if_needed()
        page.wait_for_function(
            "image => image.complete && image.naturalWidth > 100", arg=images.nth(place).element_handle()
        )
    page.get_by_role("button", name="Move about in it").first.click()
    expect(page.locator("figure canvas").first).to_be_visible(timeout=90_000)
    assert heard == [], "the policy allows what charts need"
    page.close()


def test_without_script_all_is_there_and_forms_work(browser: Browser, turned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(turned, folder)
    with pages_of(folder) as address:
        context = browser.new_context(java_script_enabled=False, locale="en-US")
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_role("link", name="collect: done")).to_be_visible()
        page.get_by_role("link", name="Data", exact=True).click()
        page.get_by_role("link", name="@3").first.click()
        page.get_by_text("Accept it as it is").click()
        page.locator("form[action$='/accept'] textarea").fill("the change is real")
        page.get_by_role("button", name="Accept", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("It is accepted")
        expect(page.locator(".head .tag").first).to_have_text("warn")
        context.close()


def test_a_chinese_browser_is_shown_chinese_on_every_page(browser: Browser, shown: str) -> None:
    """By its own header; what is left in English are names, what was recorded, and what commands are called."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    for path, heading in (("/", "水车"), ("/run", None), ("/data/loans@3", None), ("/audit", None), ("/report", None)):
        page.goto(shown + path)
        assert page.evaluate("document.documentElement.lang") == "zh-Hans"
        if heading:
            expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        words = page.locator("header nav a").all_text_contents()
        assert [word for word in words if re.fullmatch(r"[A-Za-z ]+", word.strip())] == [], path
        assert re.search("[\u4e00-\u9fff]", page.locator("h1").first.inner_text() + page.locator("main").inner_text())
    context.close()


def test_pages_can_be_used_with_the_keyboard_alone(browser: Browser, shown: str) -> None:
    page = browser.new_page(locale="en-US")
    page.goto(shown)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label') || ''").startswith("validate"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/run/loans-3#validate"))
    page.close()


def test_pages_print_on_white_without_what_one_presses(browser: Browser, shown: str) -> None:
    page = browser.new_page(locale="en-US", color_scheme="dark")
    page.goto(f"{shown}/model/loans@2")
    page.emulate_media(media="print")
    expect(page.locator("nav").first).to_be_hidden()
    expect(page.get_by_text("Promote it")).to_be_hidden()
    expect(page.get_by_role("heading", name="Gates, with their evidence")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A project with a champion, where new data have just stopped the wheel; a person has the last word."""
    file = projects.write(tmp_path / "project")
    projects.change(file, "0.6)]),", '0.6)], approval="person"),\n    serve=nr.Serve(champion=90, challenger=10),')
    place = place_of(file.parent)
    from noria.release import approve
    from noria.store.verdicts import Person

    assert turn(place, file).run.state == "stopped"
    with place.store.begin() as c:
        asked = approve.waiting(c, "loans")
        assert asked is not None
        approve.approve(c, place.artifacts, place.clock, asked.id, Person("tester", "the first"))
    assert turn(place, file).run.state == "done"
    projects.arrive(file.parent, "2", approved=0.9)
    assert turn(place, file).run.state == "stopped"
    place.store.close()
    return file.parent


def test_the_story_by_clicking(browser: Browser, story: Path) -> None:
    """See the stopped run, read why, press the remedy, watch the new run, approve, move traffic, read the verdict,
    trace a prediction, erase a subject."""
    with pages_of(story) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en-US")
        heard = watched(page)
        page.goto(address)
        _stopped_and_remedied(page)
        _approved(page)
        _traffic(page)
        _experiment(page, story, address)
        _traced(page)
        _erased(page)
        assert heard == []
        page.close()
    place = place_of(story)
    with place.store.read() as c:
        actions = [one.action for one in audit.entries(c) if one.actor == "tester"]
        assert list(audit.problems(c)) == []
    for action in ("turn", "remedy", "released", "route", "experiment start", "experiment stop", "erase"):
        assert action in actions, action


def _why(page: Page, reason: str, button: str) -> None:
    """Say why, and press."""
    form = page.locator("details.do[open] form").last
    form.locator("textarea").fill(reason)
    form.get_by_role("button", name=button).click()


def _stopped_and_remedied(page: Page) -> None:
    expect(page.get_by_text("The data stopped the run")).to_be_visible()
    page.get_by_role("link", name="Look and decide").first.click()
    expect(page.locator(".notice").first).to_contain_text("the share of label")
    page.get_by_role("radio", name="resample").check()
    picture(page, "run-stopped")
    _why(page, "the world has changed", "Start the turn")
    page.wait_for_url(re.compile(r"/run/loans-3"))
    expect(page.get_by_role("heading", name="Run 3")).to_be_visible(timeout=LONG_S)
    expect(page.locator(".head .tag").first).to_have_text("stopped", timeout=LONG_S)
    expect(page.get_by_role("heading", name="It is your turn")).to_be_visible(timeout=10_000)


def _approved(page: Page) -> None:
    page.get_by_role("link", name="Look and decide").click()
    expect(page.get_by_role("heading", name="A candidate for loans")).to_be_visible()
    page.locator("summary", has_text="Approve").click()
    _why(page, "its gates hold", "Approve")
    expect(page.get_by_role("status")).to_contain_text("It is released")
    page.get_by_role("link", name="loans-3").first.click()
    page.locator("summary", has_text="Turn the wheel").click()
    _why(page, "deploy it", "Start the turn")
    expect(page.locator(".head .tag").first).to_have_text("done", timeout=LONG_S)


def _traffic(page: Page) -> None:
    page.get_by_role("link", name="Serving").first.click()
    page.get_by_role("link", name="loans", exact=True).click()
    page.locator("summary", has_text="Move weights").click()
    page.get_by_label("Weight of version 1").fill("60")
    page.get_by_label("Weight of version 2").fill("40")
    _why(page, "more for the new one", "Check")
    expect(page.get_by_role("heading", name="Move weights of loans?")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("The weights are set")
    expect(page.locator("#weights")).to_contain_text("40 %")


def _experiment(page: Page, story: Path, address: str) -> None:
    page.get_by_role("link", name="Experiments").click()
    page.locator("summary", has_text="Try a version").click()
    _why(page, "is it better?", "Begin")
    expect(page.get_by_role("status")).to_contain_text("The experiment has begun")
    place = place_of(story)
    began = datetime.now(UTC) + timedelta(seconds=2)  # once servers have followed the route
    answers(place.settings, 600, began=began, every=timedelta(milliseconds=1))
    told(place.settings, 600)
    with place.store.read() as c:
        assert registry.aliases(c, "loans")["challenger"] == 2
        assert routes.newest(c, "loans").weights == {"1": 50, "2": 50}  # type: ignore[union-attr]
    place.store.close()
    page.goto(f"{address}/experiment/loans")
    expect(page.locator("#experiment")).to_contain_text("with a known truth 300 and 300", timeout=30_000)
    expect(page.get_by_role("columnheader", name="interval that holds at every look")).to_be_visible()
    page.locator("figure img").scroll_into_view_if_needed()
    picture(page, "experiment")
    page.locator("summary", has_text="Stop it").click()
    _why(page, "enough is known", "Stop it")
    expect(page.get_by_role("status")).to_contain_text("The experiment has ended")


def _traced(page: Page) -> None:
    page.get_by_role("link", name="Serving").first.click()
    page.get_by_role("link", name="loans", exact=True).click()
    page.locator("#recent a").first.click(timeout=90_000)
    expect(page.get_by_role("heading", name="Where it came from, and what came of it")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("1[.]csv"))).to_be_attached()
    picture(page, "trace-of-a-prediction")
    page.get_by_role("link", name=re.compile("^data loans@1|^data loans@2")).first.click()
    expect(page.get_by_role("link", name="Its page")).to_be_visible()


def _erased(page: Page) -> None:
    page.get_by_role("link", name="Erase", exact=True).click()
    page.get_by_label("Key of the subject").fill("a000007")
    page.get_by_role("button", name="Look, change nothing").click()
    expect(page.get_by_text("Erase it")).to_be_visible()
    page.get_by_label("Write the key again").fill("a000007")
    page.locator("form[action='/erase/now'] textarea").fill("asked for it")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_text("All of it is gone.")).to_be_visible(timeout=LONG_S)
    page.locator("#erasing").get_by_role("link", name="Certificate").click()
    expect(page.get_by_role("heading", name=re.compile("Certificate of erasure"))).to_be_visible()


@pytest.mark.skipif(not (SCREENSHOTS and SHOWN_BY), reason="no NORIA_SCREENSHOTS and NORIA_SCREENSHOTS_OF")
def test_pictures_of_the_demo_s_pages(browser: Browser) -> None:
    """README's and the guide's pictures, of a demo that was kept: NORIA_SCREENSHOTS_OF is its pages' address."""
    address = SHOWN_BY
    for name, path, width, scheme, spoken in (
        ("wheel", "/", 1280, "light", "en-US"), ("wheel-dark-400", "/", 400, "dark", "en-US"),
        ("wheel-zh", "/", 1280, "light", "zh-CN"), ("run", "/run/income-4", 1280, "light", "en-US"),
        ("data", "/data/income@2", 1280, "light", "en-US"),
        ("analysis", "/model/income@2/analysis", 1280, "dark", "en-US"),
        ("trace", "/trace?id=model_version:income@2", 1280, "light", "en-US"),
    ):  # fmt: skip
        page = browser.new_page(viewport={"width": width, "height": 820}, color_scheme=scheme, locale=spoken)  # type: ignore[arg-type]
        page.goto(address + path)
        expect(page.locator("[data-counting]")).to_have_count(0, timeout=LONG_S)
        page.wait_for_function("[...document.images].every(one => one.complete || one.loading === 'lazy' && "
                               "one.getBoundingClientRect().top > innerHeight)")  # fmt: skip
        picture(page, name)
        page.close()
