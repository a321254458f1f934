"""What a step costs beside a bare task: a turn in which nothing changed, against a chain of as many ``true``."""

from datetime import datetime

from benchmarks.airflow.stacks import Running, running
from benchmarks.measure import Line, Peer, Target, in_turns

NAME, BARE, TURNS = "quiet", "bare", 5
TARGET_S = 0.3
CHAIN = """
# a chain of bare tasks for Airflow: the peer of this dag is a lifecycle of as many steps
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, chain

with DAG({name!r}, schedule=None, start_date=datetime(2024, 1, 1), catchup=False):
    chain(*[BashOperator(task_id=f"t{{number}}", bash_command="true") for number in range({tasks})])
"""


def lines() -> list[Line]:
    with running("redis", "--workers", "2", "--slots", "2") as stack:
        stack.lifecycle(NAME)
        stack.api.unpause(NAME)
        first = stack.begin(NAME)
        stack.must_succeed(NAME, first)
        tasks = len(stack.api.tasks(NAME, first))
        (stack.home / "airflow" / "dags" / f"{BARE}.py").write_text(CHAIN.format(name=BARE, tasks=tasks))
        stack.api.unpause(BARE)
        took = in_turns({name: lambda name=name: _seconds(stack, name) for name in (NAME, BARE)}, TURNS)
    ours, bare = ([seconds / tasks for seconds in took[name]] for name in (NAME, BARE))
    added = [one - other for one, other in zip(ours, bare, strict=True)]
    return [
        Line("a step where nothing changed, Celery", samples=ours, peers=[Peer("BashOperator 'true'", bare)]),
        Line("added to a bare task per step", samples=added, target=Target(TARGET_S)),
    ]


def _seconds(stack: Running, name: str) -> float:
    """From the start of a run to its end, by Airflow's own account."""
    run = stack.api.trigger(name)
    stack.must_succeed(name, run)
    [found] = [one for one in stack.api.runs(name) if one["dag_run_id"] == run]
    began, ended = (datetime.fromisoformat(found[key]) for key in ("start_date", "end_date"))
    return (ended - began).total_seconds()
