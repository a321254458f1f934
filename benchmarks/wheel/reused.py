"""A run in which nothing changed, or only a comment, held against peers that have as little to do."""

from contextlib import ExitStack
from functools import partial
from time import sleep

from benchmarks.measure import Action, Line, Peer, Target, Trouble, in_turns
from benchmarks.project import SETTLE_S, Project, census, workplace
from benchmarks.wheel import dvc, kedro

TARGET_S = 0.25
GLANCE, COMMENT = "glance", "comment"


def lines() -> list[Line]:
    with ExitStack() as stack:
        glanced, looked = stack.enter_context(census()), stack.enter_context(census())
        sleep(SETTLE_S)
        glanced.run()
        looked.run()
        actions: dict[str, Action] = {GLANCE: glanced.run, COMMENT: partial(after_a_comment, looked)}
        missing: dict[str, str] = {}
        for peer in (kedro, dvc):
            place = stack.enter_context(workplace(peer.__name__.rpartition(".")[2]))
            try:
                actions[peer.NAME] = peer.prepare(*place)
            except Trouble as trouble:
                missing[peer.NAME] = str(trouble)
        took = in_turns(actions)
    peers = [Peer(peer.NAME, took.get(peer.NAME, ()), missing.get(peer.NAME, "")) for peer in (kedro, dvc)]
    return [
        Line("reused run, at a glance", samples=took[GLANCE], peers=peers, target=Target(TARGET_S)),
        Line("reused run, a comment changed", samples=took[COMMENT], peers=peers, target=Target(TARGET_S)),
    ]


def after_a_comment(project: Project) -> float:
    """A run that finds the lifecycle file changed, and that it says the same."""
    with project.file.open("a") as file:
        file.write("# another word\n")
    return project.run()
