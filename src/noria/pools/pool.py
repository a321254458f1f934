"""Pools: kinds of machines that steps run on, and which one a step goes to. Standard library only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from noria.declared import check
from noria.errors import BadInput
from noria.plan import Resources

ANY = "default"  # what Resources.pool says when a step names none: the pool of that name if it fits, else the smallest
GROWTH = 2  # times the memory a step asks for, each time it ran out of it and goes to a larger pool


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint of the pool's nodes that its pods put up with; no ``value``: whatever the taint's value is."""

    key: str
    value: str | None = None
    effect: str | None = None

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Volume:
    """What is mounted in every pod at ``path``: a claim, a Secret or a ConfigMap, by name; one of the three."""

    path: str
    claim: str = ""
    secret: str = ""
    config_map: str = ""
    read_only: bool = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class Pods:
    """What all pods have in common.

    namespace, image, pull_policy, pull_secrets, service_account
        Where they run and what of.
    command
        How noria is called in the image.
    config_maps, secrets
        Names of those that become the pods' environment: NORIA_DB, NORIA_ARTIFACTS and what the stores need.
    volumes
        What to mount, such as the claim of the shared folder of the datasets.
    home
        Where NORIA_HOME is in the image: an empty folder of each pod.
    user
        The user and group of the image.
    connection
        The Airflow connection to the cluster.
    deferrable
        Wait for pods in Airflow's triggerer, which takes no worker slot.
    poll_s
        How often a pod is looked at, in seconds.
    log_s
        How often its log is fetched while the triggerer waits for it, in seconds; without the triggerer it is followed.
    grace_s
        How long a step that is told to end may take, in seconds.
    overhead_mb
        Memory beyond what a step declares, for the interpreter and the files that it maps, in MiB.
    """

    namespace: str
    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: Sequence[str] = ()
    service_account: str = "default"
    command: Sequence[str] = ("noria",)
    config_maps: Sequence[str] = ()
    secrets: Sequence[str] = ()
    volumes: Sequence[Volume] = ()
    home: str = "/var/lib/noria"
    user: int = 10001
    connection: str = "kubernetes_default"
    deferrable: bool = False
    poll_s: float = 2.0
    log_s: int = 15
    grace_s: int = 30
    overhead_mb: int = 256

    def __post_init__(self) -> None:
        check(self, least={"user": 1, "poll_s": 0.1, "log_s": 1, "grace_s": 0, "overhead_mb": 0})


@dataclass(frozen=True, slots=True)
class Pool:
    """Machines of one kind.

    name
        What ``Resources(pool=...)`` calls it.
    runs_on
        ``kubernetes``: a pod per step. ``celery``: the workers of the queue. ``local``: where the scheduler runs.
        Empty: as the export says for all steps.
    cpu, memory_mb, gpu
        What one of its machines offers to steps: cores, MiB, GPUs. A step that asks for more does not fit.
    asks_mb
        Memory asked for by a step that declares none, in MiB.
    labels, tolerations
        What its nodes are known by, and which of their taints its pods put up with.
    gpu_resource
        What a GPU is called there.
    priority_class
        Of its pods; empty: the cluster's default.
    schedule_timeout_s
        How long a pod may wait for a node: a pool that scales from zero takes minutes to have one.
    startup_timeout_s
        How long it may then take to start: images are pulled and volumes mounted in that time.
    larger
        The pool where a step is tried again that ran out of memory here; empty: none.
    queue
        The Celery queue; empty: the pool's name.
    """

    name: str
    runs_on: str = ""
    cpu: float = 1
    memory_mb: int = 1024
    gpu: int = 0
    asks_mb: int = 1024
    labels: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Toleration] = ()
    gpu_resource: str = "nvidia.com/gpu"
    priority_class: str = ""
    schedule_timeout_s: int = 900
    startup_timeout_s: int = 600
    larger: str = ""
    queue: str = ""

    def __post_init__(self) -> None:
        least = {"memory_mb": 1, "gpu": 0, "asks_mb": 1, "schedule_timeout_s": 1, "startup_timeout_s": 1}
        check(self, least={"cpu": 0.001, **least})

    def lacks(self, asked: Resources) -> str | None:
        """Why a step does not fit on one machine of this pool; None if it does."""
        compared = (
            (asked.cpu, self.cpu, "CPU cores"),
            (asked.memory_mb or self.asks_mb, self.memory_mb, "MiB of memory"),
            (asked.gpu, self.gpu, "GPUs"),
        )
        for wanted, offered, what in compared:
            if wanted > offered:
                return f"it asks for {wanted:g} {what}, and a machine of pool {self.name} offers {offered:g}"
        return None


@dataclass(frozen=True, slots=True)
class Pools:
    """All pools of a place, and what their pods have in common; ``pods`` is None where no pool runs on Kubernetes."""

    pools: Mapping[str, Pool]
    pods: Pods | None = None

    def choose(self, step: str, asked: Resources) -> Pool:
        """The pool a step runs in: the one it names, or the smallest that it fits.

        Raises
        ------
        BadInput
            If there is no pool of that name, or the step does not fit.
        """
        if asked.pool == ANY and (ANY not in self.pools or self.pools[ANY].lacks(asked)):
            fitting = [pool for pool in self.pools.values() if pool.lacks(asked) is None]
            if not fitting:
                raise _misfit(step, "; ".join(str(pool.lacks(asked)) for pool in self.pools.values()))
            return min(fitting, key=lambda pool: (pool.gpu, pool.memory_mb, pool.cpu, pool.name))
        if asked.pool not in self.pools:
            raise BadInput(
                f"there is no pool {asked.pool!r}",
                where=f"step {step}",
                do=f"Pools are {', '.join(sorted(self.pools))}; name one in its resources, or declare it.",
            )
        pool = self.pools[asked.pool]
        lacks = pool.lacks(asked)
        if lacks is not None:
            raise _misfit(step, lacks)
        return pool

    def on(self, executor: str) -> "Pools":
        """The same, each pool saying itself where it runs."""
        pools = {name: replace(pool, runs_on=pool.runs_on or executor) for name, pool in self.pools.items()}
        return replace(self, pools=pools)

    def after_memory(self, pool: Pool, asked: Resources, times: int) -> tuple[Pool, Resources]:
        """Where a step is tried, and with how much memory, that ran out of it so many times."""
        for _ in range(times):
            if not pool.larger:
                break
            wanted = GROWTH * (asked.memory_mb or pool.memory_mb)  # what it could take, and that was too little
            pool = self.pools[pool.larger]
            asked = replace(asked, pool=pool.name, memory_mb=min(wanted, pool.memory_mb))
        return pool, asked

    def to_plain(self) -> dict[str, Any]:
        """As plain data for a plan: what JSON holds; ``from_plain`` reads it back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for pool in plain["pools"].values():
            del pool["name"]
        return plain if self.pods else {"pools": plain["pools"]}


def _misfit(step: str, why: str) -> BadInput:
    return BadInput(f"no machine holds it: {why}", where=f"step {step}", do="Ask for less, or declare a larger pool.")
