"""noria model: versions and why they became so; promotion and its reverse."""

from pathlib import Path

import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from .conftest import Noria


def test_the_list_names_every_version_with_its_alias(project: Path, noria: Noria) -> None:
    found = noria("model", "list", "--json").data
    assert [(one["model"], one["number"], one["aliases"]) for one in found] == [
        ("loans", 1, ["champion"]),
        ("loans", 2, ["challenger"]),
    ]
    shown = noria("model", "list").out
    assert "champion" in shown
    assert "roc_auc" in shown
    assert "waits" not in shown


@pytest.mark.parametrize(("name", "number"), [("loans", 1), ("loans@2", 2), ("loans@challenger", 2)])
def test_a_version_is_shown_with_why_it_was_released(project: Path, noria: Noria, name: str, number: int) -> None:
    found = noria("model", "show", name, "--json").data
    assert (found["version"]["number"], found["release"]["number"]) == (number, number)
    assert found["release"]["id"] == found["version"]["release_id"]
    shown = noria("model", "show", name).out
    assert shown.startswith(f"loans@{number} ")
    assert "gate roc_auc at least 0.6" in shown


def test_the_study_shows_every_trial_with_what_it_took_and_where_it_lies(project: Path, noria: Noria) -> None:
    found = noria("model", "study", "loans@2", "--json").data
    assert (found["model"], found["number"], found["metric"]) == ("loans", 2, "roc_auc")
    assert [one["number"] for one in found["trials"]] == list(range(len(found["trials"])))
    for one in found["trials"]:
        assert one["state"] == "complete"
        assert one["seconds"] > 0
        assert one["memory_mb"] > 1
    best = found["trials"][found["chosen"]]
    assert best["params"] == found["params"]
    assert best["value"] == max(one["value"] for one in found["trials"])
    assert JournalStorage(JournalFileBackend(found["file"])).get_all_studies()
    shown = noria("model", "study", "loans@2").out
    assert f"optuna-dashboard {found['file']}" in shown
    assert "complete" in shown


def test_the_card_is_a_file_that_is_made_where_it_is_missing(mine: Path, noria: Noria) -> None:
    file = Path(noria("model", "card", "loans@1").out.rstrip("\n"))
    assert "loans@1" in file.read_text()
    file.unlink()
    assert noria("model", "card", "loans@1", "--json").data == {"model": "loans", "number": 1, "file": str(file)}
    assert "loans@1" in file.read_text()


def test_the_promoted_version_gets_the_traffic_and_a_rollback_takes_it_back(mine: Path, noria: Noria) -> None:
    assert noria("route", "show", "--json").data[0]["weights"] == {"1": 90, "2": 10}
    made = noria("model", "promote", "loans@2", "--reason", "better [/b] live", "--json").data
    assert (made["weights"], made["actor"], made["reason"]) == ({"2": 100}, "tester", "better [/b] live")
    assert noria("model", "show", "loans", "--json").data["version"]["number"] == 2
    assert noria("model", "rollback", "loans", "--reason", "worse").out == "loans: revision 4, weights 1 100\n"
    assert noria("model", "show", "loans", "--json").data["version"]["number"] == 1
    log = noria("audit", "show").out
    assert "better [/b] live" in log
    assert noria("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "loan"], "no model loan (registry). Did you mean loans?"),
        (["card", "houses"], "no model houses (registry). There are: loans."),
        (["show", "loans@7"], "no version 7 of model loans (registry). See 'noria model list'."),
        (["show", "loans@chalenger"], "no alias loans@chalenger (registry). Did you mean challenger?"),
        (["promote", "loans@7"], "no version 7 of model loans (registry). See 'noria model list'."),
        (["rollback", "loan"], "no model loan (registry). Did you mean loans?"),
        (["rollback", "loans"], "loans never had another champion (registry). See 'noria model list'."),
        (
            ["approve", "0123", "--reason", "x"],
            "no release 0123 (releases that wait for approval). There are: none yet.",
        ),
        (["approve", "0123"], "Missing option '--reason' (noria model approve). See 'noria model approve --help'."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_with_what_was_meant(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("model", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
    assert noria("model", *words, "--json").data == {"error": said, "code": 2}
