"""Ten exported lifecycles in the DAG processor, held against ten DAGs of as many bare tasks written by hand.

Counted is the time of one processor (CPU seconds) for reading the files, building the DAGs and writing them as Airflow
stores them, after Airflow itself was imported: a DAG processor imports it once and parses for ever.
"""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Line, Peer, Target, Trouble, in_turns
from noria.airflow.exported import Exported
from noria.airflow.stack import environment
from noria.cli.airflows.export import DAG_FILE
from noria.compile import NEEDS
from noria.plan import Plan, Step

ROOT = Path(__file__).parent.parent.parent
COUNT, REPETITIONS, TARGET_S = 10, 5, 1.0
BY_HAND = """from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, chain

with DAG("bare_{number}", schedule=[Asset("x://{number}")]) as dag:
    chain(*[BashOperator(task_id=f"t{{place}}", bash_command="true") for place in range({tasks})])
"""
PROGRAM = """
import sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
import airflow.sdk, airflow.providers.standard.operators.bash
began = time.process_time()
bag = DagBag(sys.argv[1])
stored = [DagSerialization.to_dict(dag) for dag in bag.dags.values()]
took = time.process_time() - began
assert not bag.import_errors, bag.import_errors
print(len(stored), took)
"""


def lines() -> list[Line]:
    """The DAG processor's time for ten files of each kind."""
    try:
        prepared = os.environ.get("TEST_AIRFLOW_ENVIRONMENT")
        python = Path(prepared) / "bin" / "python" if prepared else environment.build(ROOT / ".venv-airflow")
    except RuntimeError as error:
        raise Trouble(str(error)) from error
    with TemporaryDirectory() as folder:
        ours, bare = Path(folder, "noria"), Path(folder, "bare")
        _export(ours)
        _by_hand(bare)
        took = in_turns(
            {
                "noria": lambda: _seconds(python, Path(folder), ours),
                "bare": lambda: _seconds(python, Path(folder), bare),
            },
            REPETITIONS,
        )
    name = f"{COUNT} lifecycles parsed by the DAG processor, CPU"
    peers = [Peer("as many bare tasks by hand (the limit)", took["bare"])]
    return [Line(name, samples=took["noria"], peers=peers, target=Target(TARGET_S))]


def _export(folder: Path) -> None:
    folder.mkdir()
    for number in range(COUNT):
        steps = tuple(Step(word, needs) for word, needs in NEEDS.items())
        plan = Plan(f"lifecycle-{number}", steps, bundle="b" * 64, entry="lifecycle.py")
        file = folder / f"noria_{plan.lifecycle}.py"
        file.write_text(DAG_FILE.format(name=plan.lifecycle))
        file.with_suffix(".json").write_text(Exported(plan, "d" * 64, sweep="@hourly").to_json())


def _by_hand(folder: Path) -> None:
    folder.mkdir()
    for number in range(COUNT):
        text = BY_HAND.format(number=number, tasks=len(NEEDS) + 3)  # begin, end, and the sweep
        (folder / f"bare_{number}.py").write_text(text)


def _seconds(python: Path, home: Path, folder: Path) -> float:
    done = subprocess.run(
        [python, "-c", PROGRAM, folder], capture_output=True, text=True,
        env={"AIRFLOW_HOME": str(home), "PATH": "/usr/bin:/bin", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
    )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(f"Airflow cannot parse: {done.stderr.strip().splitlines()[-1][:200]}")
    count, took = done.stdout.split()[-2:]
    assert int(count) >= COUNT, done.stdout
    return float(took)
