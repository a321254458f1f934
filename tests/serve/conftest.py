"""What the tests of serving share: a project with two versions, and a server of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import projects
from noria import settings
from noria.run.local import turn
from noria.run.place import Place, open_place
from serve.live import Live

hypothesis.settings.register_profile(
    "serve",
    deadline=None,  # machines are shared
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],  # a folder that examples overwrite will do
)
hypothesis.settings.load_profile("serve")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was turned twice, so that loans has versions 1 and 2; to be copied."""
    file = projects.write(tmp_path_factory.mktemp("pristine") / "project", count=300)
    place = open_place(settings.load(file.parent, environ={}))
    turn(place, file)
    projects.arrive(file.parent, "2")
    turn(place, file)
    place.store.close()
    return file.parent


def copied(pristine: Path, folder: Path) -> Place:
    return open_place(settings.load(shutil.copytree(pristine, folder / "project"), environ={}))


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Place:
    """The stores of a project of one's own."""
    return copied(pristine, tmp_path)


@pytest.fixture
def folder(project: Place) -> Path:
    return project.settings.home.parent


@pytest.fixture(scope="module")
def shared(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The stores of the project that ``server`` serves."""
    return copied(pristine, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def server(shared: Place) -> Iterator[Live]:
    """A server for all tests of a module that leave it as it is."""
    with Live(shared.settings.home.parent) as found:
        yield found
