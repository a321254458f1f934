"""A data set of four times the memory that a process may take, learned from in mini-batches."""

import sys
from pathlib import Path

from benchmarks.learning import features
from benchmarks.measure import Line, Target
from benchmarks.processes import environment, seconds

LIMIT_MB, TIMES, COLUMNS = 256, 4, 64
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import resource, sys
from pathlib import Path
from sklearn.naive_bayes import GaussianNB
from benchmarks.learning import features
from noria.run import memory
from noria.train import fit
from noria.train.arrays import open_part
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
data = open_part(features.files(folder, "train"))
held = int(memory._status_mb(memory.os.getpid(), "VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((held + limit) << 20,) * 2)
fit.fit(GaussianNB(), data, {}, fit.How(threads=1, memory_mb=limit))
taken = memory._status_mb(memory.os.getpid(), "VmData") - held
(folder / "took").write_text(str(taken))
"""


def lines() -> list[Line]:
    rows = (TIMES * LIMIT_MB << 20) // (COLUMNS * 4)
    with features.folder(rows, COLUMNS) as where:
        env = {**environment(where), "PYTHONPATH": str(ROOT)}
        seconds([sys.executable, "-c", PROGRAM, str(where), str(LIMIT_MB)], ROOT, env)
        taken = float((where / "took").read_text())
    name = f"out of core, {TIMES} × the limit: memory kept after training on {rows:,} × {COLUMNS}"
    return [Line(name, "MiB", [taken], target=Target(LIMIT_MB))]
