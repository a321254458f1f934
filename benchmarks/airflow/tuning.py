"""Tuning mapped over workers: the same trials by two parts at the same time, against one part after the other."""

from datetime import datetime

from benchmarks.airflow.stacks import Running, running
from benchmarks.measure import Line, Peer, Target

TARGET, TRIALS, TRIAL_S = 1.7, 40, 1.0
SLOW = '''

def slow(params):
    """A second of one processor for each trial."""
    import time

    end = time.process_time() + {seconds}
    while time.process_time() < end:
        sum(range(1000))
    return LogisticRegression(C=params["C"])
'''


def lines() -> list[Line]:
    with running("redis", "--workers", "2", "--slots", "1") as stack:
        took = {name: _tuned(stack, name, at_once) for name, at_once in (("both", "2"), ("single", "1"))}
    speed = took["single"] / took["both"]
    return [
        Line(f"tuning, {TRIALS} trials of {TRIAL_S:g} s on two workers", samples=[took["both"]],
             peers=[Peer("one after the other", [took["single"]])]),
        Line("two workers against one", "×", [speed], target=Target(TARGET, most=False)),
    ]  # fmt: skip


def _tuned(stack: Running, name: str, at_once: str) -> float:
    """Seconds from the first part's start to the last one's end, by Airflow's own account."""
    stack.lifecycle(name, "default", "--at-once", at_once, edit=_slow)
    stack.api.unpause(name)
    run = stack.begin(name)
    stack.must_succeed(name, run, pause=5.0)
    parts = [one for one in stack.api.tasks(name, run).values() if one["task_id"] == "tune_trials"]
    assert len(parts) == 2, parts
    began = min(datetime.fromisoformat(one["start_date"]) for one in parts)
    return (max(datetime.fromisoformat(one["end_date"]) for one in parts) - began).total_seconds()


def _slow(text: str) -> str:
    text = text.replace("nr.choice(0.5)", "nr.loguniform(0.1, 1.0)")
    text = text.replace('sampler="grid", trials=2', f'sampler="random", trials={TRIALS}, workers=2')
    text = text.replace('nr.at_least("roc_auc", 0.6)', 'nr.at_least("roc_auc", 0.0)')  # it is about time only
    text = text.replace('return LogisticRegression(C=params["C"])', "return slow(params)")
    return text + SLOW.format(seconds=TRIAL_S)
