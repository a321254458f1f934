"""Where state lives: the environment before noria.toml before the defaults."""

from pathlib import Path

import pytest

from noria import settings
from noria.errors import UserError


def test_defaults_are_in_the_project(tmp_path: Path) -> None:
    found = settings.load(tmp_path, environ={})
    assert found.home == tmp_path / ".noria"
    assert found.db == f"sqlite:///{tmp_path}/.noria/noria.db"
    assert found.artifacts == f"{tmp_path}/.noria/artifacts"
    assert (found.data, found.spool) == (f"{tmp_path}/.noria/data", tmp_path / ".noria" / "spool")


def test_the_environment_wins_over_the_file_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "noria.toml").write_text('home = "state"\ndb = "sqlite:///a.db"\nalerts = ["json://x"]\n')
    by_file = settings.load(tmp_path, environ={})
    assert (by_file.home, by_file.db, by_file.alerts) == (tmp_path / "state", "sqlite:///a.db", ("json://x",))
    given = {"NORIA_HOME": "other", "NORIA_DB": "postgresql://h/d", "NORIA_ARTIFACTS": "s3://b/p", "NORIA_ACTOR": "ann"}
    by_environment = settings.load(tmp_path, environ=given)
    assert by_environment.home == tmp_path / "other"
    assert (by_environment.db, by_environment.artifacts) == ("postgresql://h/d", "s3://b/p")
    assert by_environment.actor == "ann"


def test_an_unknown_key_is_named_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "noria.toml").write_text('hmoe = "state"\n')
    with pytest.raises(UserError, match="hmoe") as caught:
        settings.load(tmp_path, environ={})
    assert "home" in caught.value.do


def test_the_data_may_be_shared_and_the_spool_be_its_servers_own(tmp_path: Path) -> None:
    found = settings.load(tmp_path, environ={"NORIA_DATA": "/shared/data", "NORIA_SPOOL": "own/spool"})
    assert (found.data, found.spool) == ("/shared/data", tmp_path / "own" / "spool")
    with pytest.raises(UserError, match=r"data is 's3://b/p' \(NORIA_DATA\)"):
        settings.load(tmp_path, environ={"NORIA_DATA": "s3://b/p"})
