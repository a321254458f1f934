"""One model, trained by several processes that each hold their share of the rows.

The work between them is the libraries' own: PyTorch's DistributedDataParallel, started by torchrun, and LightGBM's
data-parallel learner. What differs from one process is the order in which numbers are added up.
"""

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from noria.errors import BadLifecycle, UserCodeFailed
from noria.model.stable import pickled, unpickled
from noria.train import batches
from noria.train.arrays import Files, open_part
from noria.train.network import Share, Torch

HOST = "127.0.0.1"
TRIES = 3  # a port that was free may be taken before it is used
WORD = "lightgbm"
RANK = re.compile(r"^\s*\[rank\d+\]:")  # before each line of what a process of torchrun says
AGAIN = (  # the processes did not find each other, or lost each other
    "ddress already in use",
    "Binding port",
    "Rendezvous",
    "Connection closed",
    "Connection reset",
    "Signal 6",
)


@dataclass(frozen=True, slots=True)
class Job:
    """What every process gets. ``result``: where the first one leaves the fitted estimator."""

    estimator: Any
    data: Files
    processes: int
    ports: tuple[int, ...]
    result: str


def fit(estimator: Any, data: Files, processes: int, scratch: Path) -> Any:
    """Fit an unfitted estimator by that many processes of this machine.

    Raises
    ------
    BadLifecycle
        If it is of a kind that one process has to train.
    UserCodeFailed
        If a process fails, with its last words.
    """
    by_torch = isinstance(estimator, Torch)
    if not by_torch and type(estimator).__module__.split(".")[0] != WORD:
        raise BadLifecycle(
            f"{type(estimator).__name__} cannot be trained by {processes} processes",
            where="Train(processes=…)",
            do="Use PyTorch or LightGBM, or Train(processes=1).",
        )
    file, result = scratch / "job", scratch / "fitted"
    told = ""
    for _ in range(TRIES):
        file.write_bytes(pickled(Job(estimator, data, processes, _free_ports(processes), str(result))))
        told = _torchrun(file, processes) if by_torch else _side_by_side(file, processes)
        if not told:
            return unpickled(result.read_bytes())
        if not any(sign in told for sign in AGAIN):
            break
    raise UserCodeFailed(
        f"one of {processes} training processes failed: {told}", where="train", do="Try Train(processes=1) to see why."
    )


def work(job: Job, rank: int) -> None:
    """What one of the processes does; the first leaves the model."""
    learn = _learn_torch if isinstance(job.estimator, Torch) else _learn_lightgbm
    fitted = learn(job, rank)
    if rank == 0:
        Path(job.result).write_bytes(pickled(fitted))


def main(file: str, rank: int) -> None:
    work(unpickled(Path(file).read_bytes()), rank)


def _learn_torch(job: Job, rank: int) -> Any:
    import torch.distributed as group

    group.init_process_group("gloo")
    try:
        data = open_part(job.data)
        estimator = job.estimator.set_params(device=job.estimator.device or "cpu")
        fitted = estimator.fit(data.X, data.y, data.weights, share=Share(rank, job.processes))
        group.barrier()  # who is done first would hang up on the other
        return fitted
    finally:
        group.destroy_process_group()


def _learn_lightgbm(job: Job, rank: int) -> Any:
    data = open_part(job.data)
    mine = _shares(np.asarray(data.y), job.processes)[rank]
    network = {
        "machines": ",".join(f"{HOST}:{port}" for port in job.ports),
        "num_machines": job.processes,
        "local_listen_port": job.ports[rank],
        "tree_learner": "data",
        "time_out": 2,
    }
    return batches.boosted_together(job.estimator, data, mine, network)


def _shares(y: Any, processes: int) -> list[Any]:
    """Rows of each process, in order; of every class each has its part."""
    order = np.argsort(y, kind="stable") if y.dtype.kind == "i" else np.arange(len(y))
    if y.dtype.kind == "i" and np.unique(y, return_counts=True)[1].min() < processes:
        raise UserCodeFailed(
            f"a class has fewer rows than there are processes ({processes})", where="train", do="Use fewer processes."
        )
    return [np.sort(order[rank::processes]) for rank in range(processes)]


def _torchrun(file: Path, processes: int) -> str:
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}", "--standalone"]
    done = subprocess.run(
        [*command, "--local-addr", HOST, "-m", "noria.train.spread", str(file)],
        capture_output=True,
        text=True,
        env=_environment(processes),
        check=False,
    )
    return _last_words(done.stderr) if done.returncode else ""


def _side_by_side(file: Path, processes: int) -> str:
    """Start all, wait for all; if one fails the others are ended, for they would wait for it."""
    program = "import sys; from noria.train.spread import main; main(sys.argv[1], int(sys.argv[2]))"
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", program, str(file), str(rank)],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=_environment(processes),
                )
            )
            for rank in range(processes)
        ]
        told = ""
        for one in started:
            stderr = one.communicate()[1]
            if one.returncode and not told:
                told = _last_words(stderr)
                for other in started:
                    other.kill()
        return told


def _environment(processes: int) -> dict[str, str]:
    from joblib import cpu_count

    threads = str(max(1, cpu_count() // processes))
    return {
        **os.environ,
        "OMP_NUM_THREADS": threads,
        "GLOO_SOCKET_IFNAME": "lo",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def _last_words(stderr: str) -> str:
    lines = [RANK.sub("", line).strip() for line in stderr.splitlines()]
    lines = [line for line in lines if re.search(r"\w", line)]  # torchrun draws rules of dashes
    causes = [line for line in lines if re.match(r"[\w.]*(Error|Failed|Exception)\b", line)]
    causes = [line for line in causes if "ChildFailedError" not in line]  # torchrun's own, about the others
    return (causes or lines or ["it said nothing"])[-1][:300]


def _free_ports(count: int) -> tuple[int, ...]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind((HOST, 0))
        return tuple(one.getsockname()[1] for one in held)


if __name__ == "__main__":
    main(sys.argv[1], int(os.environ["RANK"]))
