"""A run in which nothing changed, at a glance and by the full way, held against peers that have as little to do."""

from contextlib import ExitStack
from functools import partial
from time import sleep

from benchmarks.measure import Action, Line, Peer, Target, Trouble, in_turns
from benchmarks.project import SETTLE_S, Project, census, workplace
from benchmarks.wheel import dvc, kedro

TARGET_S = 0.25
GLANCE, FULL = "glance", "full"


def lines() -> list[Line]:
    with ExitStack() as stack:
        glanced, looked = stack.enter_context(census()), stack.enter_context(census())
        sleep(SETTLE_S)
        glanced.run()
        actions: dict[str, Action] = {GLANCE: glanced.run, FULL: partial(by_the_full_way, looked)}
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
        Line("reused run, the full way", samples=took[FULL], peers=peers, target=Target(TARGET_S)),
    ]


def by_the_full_way(project: Project) -> float:
    """A run that cannot tell by a glance: the lifecycle file has another time than when it was noted."""
    project.file.touch()
    return project.run()
