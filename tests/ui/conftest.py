"""A project whose wheel was turned, with predictions and their truth, as pages show it; and browsers for it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

import projects
from noria import settings
from noria.run.local import turn
from noria.run.place import Place, open_place
from noria.store import routes
from noria.ui.app import app

from .filled import answers, told

HTML, JSON = {"accept": "text/html"}, {"accept": "application/json"}


def place_of(folder: Path) -> Place:
    return open_place(settings.load(folder, environ={"NORIA_ACTOR": "tester"}))


@dataclass
class Browser:
    """What one person sees: pages as HTML or JSON, and forms sent as a browser sends them."""

    client: TestClient
    place: Place

    def page(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers={**HTML, **headers})

    def json(self, path: str) -> Any:
        answer = self.client.get(path, headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Fill in the form of a page that goes to an address, and send it."""
        text = self.page(page).text
        form = next((one for one in re.findall(r"<form.*?</form>", text, re.S) if f'action="{action}"' in one), None)
        assert form is not None, f"{page} has no form for {action}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        return self.post(action, {**hidden, **fields})

    def post(self, action: str, fields: dict[str, str]) -> httpx.Response:
        return self.client.post(action, data=fields, headers=HTML, follow_redirects=False)


def open_browser(place: Place, address: str = "127.0.0.1", base: str = "http://localhost") -> Browser:
    return Browser(TestClient(app(place), base_url=base, client=(address, 50_000)), place)


@pytest.fixture(scope="session")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two released versions, a run that stopped at a third of the data, answers and their truth. Only to be read."""
    file = projects.write(tmp_path_factory.mktemp("turned") / "project")
    place = place_of(file.parent)
    assert turn(place, file).run.state == "done"
    projects.arrive(file.parent, "2")
    assert turn(place, file).run.state == "done"
    projects.arrive(file.parent, "3", approved=0.9)
    assert turn(place, file).run.state == "stopped"
    with place.store.begin() as c:
        routes.set_weights(c, place.clock, "loans", {"1": 50, "2": 50}, actor="tester", reason="to compare")
    answers(place.settings, 400)
    told(place.settings, 200)
    place.store.close()
    return file.parent


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first candidate waits for a person. Only to be copied."""
    file = projects.write(tmp_path_factory.mktemp("waiting") / "project")
    projects.change(file, "0.6)]),", '0.6)], approval="person"),')
    place = place_of(file.parent)
    assert turn(place, file).run.state == "stopped"
    place.store.close()
    return file.parent


@pytest.fixture(scope="session")
def seen(turned: Path) -> Iterator[Browser]:
    """A browser that only looks."""
    browser = open_browser(place_of(turned))
    with browser.client:
        yield browser


def copied(project: Path, to: Path) -> Iterator[Browser]:
    shutil.copytree(project, to)
    browser = open_browser(place_of(to))
    with browser.client:
        yield browser


@pytest.fixture
def mine(turned: Path, tmp_path: Path) -> Iterator[Browser]:
    """A browser for a copy of the project, to do with what one likes."""
    yield from copied(turned, tmp_path / "mine")


@pytest.fixture
def asked(waiting: Path, tmp_path: Path) -> Iterator[Browser]:
    """A browser for a copy of the project that waits."""
    yield from copied(waiting, tmp_path / "asked")
