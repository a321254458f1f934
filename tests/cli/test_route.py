"""noria route: how an endpoint's traffic is divided."""

from pathlib import Path

import pytest

from .conftest import Noria


def test_the_weights_in_force_are_shown_with_who_set_them(project: Path, noria: Noria) -> None:
    [route] = noria("route", "show", "loans", "--json").data
    assert (route["endpoint"], route["revision"], route["weights"], route["actor"]) == (
        "loans",
        2,
        {"1": 90, "2": 10},
        "deploy",
    )
    assert "1 90, 2 10" in noria("route", "show").out


def test_weights_that_are_set_are_a_new_revision_on_record(mine: Path, noria: Noria) -> None:
    made = noria("route", "set", "loans", "1=50", "02=50", "--reason", "halves", "--json").data
    assert (made["revision"], made["weights"], made["reason"]) == (3, {"1": 50, "2": 50}, "halves")
    assert noria("route", "set", "loans", "2=50", "1=50").out == "loans: revision 3, weights 1 50, 2 50\n"
    last = noria("audit", "show", "--most", 1, "--json").data[0]
    assert (last["actor"], last["action"], last["after"], last["reason"]) == (
        "tester",
        "route",
        {"1": 50, "2": 50},
        "halves",
    )


def test_the_share_that_chance_draws_is_set_kept_and_ended_on_record(mine: Path, noria: Noria) -> None:
    made = noria("route", "set", "loans", "--explore", 0.05, "--reason", "to learn of all kinds", "--json").data
    assert (made["explore"], made["weights"]) == (0.05, {"1": 90, "2": 10})
    assert noria("audit", "show", "--most", 1, "--json").data[0]["action"] == "explore"
    kept = noria("route", "set", "loans", "1=50", "2=50").out
    assert kept == "loans: revision 4, weights 1 50, 2 50, 5.0% by chance\n"
    assert noria("route", "set", "loans", "--explore", 0, "--json").data["explore"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "loan"], "no endpoint loan (routes). Did you mean loans?"),
        (["set", "loan", "1=1"], "no model loan (registry). Did you mean loans?"),
        (["set", "loans", "7=1"], "no version 7 of model loans (registry). See 'noria model list'."),
        (["set", "loans", "1"], "'1' is not VERSION=WEIGHT (noria route set). Write for example 3=90 4=10."),
        (["set", "loans", "1=²"], "'1=²' is not VERSION=WEIGHT (noria route set). Write for example 3=90 4=10."),
        (["set", "loans", "1=0"], "all weights are 0 (noria route set). Give at least one version a weight."),
        (["set", "loans", "--explore", "5"], "5 is no share (--explore). Write for example 0.05; 0 ends it."),
        (["set", "loans", "1=5", "1=5"], "version 1 has two weights (noria route set). Give it one."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    project: Path, noria: Noria, words: list[str], said: str
) -> None:
    ended = noria("route", *words)
    assert (ended.code, ended.out, ended.said) == (2, "", said)
    assert noria("route", "show", "--json").data[0]["revision"] == 2
