"""Pools are declared once, in a file; a step goes to the one it names, or to the smallest that it fits."""

import json
from pathlib import Path

import pytest

from noria.errors import BadInput
from noria.plan import Resources
from noria.pools import file
from noria.pools.pool import Pools, Toleration, Volume

TEXT = """
[pods]
namespace = "noria"
image = "noria:0.1.0"
secrets = ["noria-stores"]
volumes = [{ claim = "noria-data", path = "/srv/noria/data" }]

[pools.highcpu]
cpu = 16
memory_mb = 8000
larger = "highmem"
labels = { "noria.dev/pool" = "highcpu" }

[pools.highmem]
cpu = 8
memory_mb = 64000
tolerations = [{ key = "pool", value = "highmem", effect = "NoSchedule" }]

[pools.gpu]
cpu = 8
memory_mb = 32000
gpu = 1

[pools.workers]
runs_on = "celery"
queue = "quick"
"""


@pytest.fixture
def pools() -> Pools:
    return file.read(TEXT, "pools.toml")


def test_a_file_says_all_of_a_pool(pools: Pools) -> None:
    assert pools.pods is not None
    assert (pools.pods.image, tuple(pools.pods.volumes)) == (
        "noria:0.1.0",
        (Volume("/srv/noria/data", claim="noria-data"),),
    )
    assert tuple(pools.pools["highmem"].tolerations) == (Toleration("pool", "highmem", "NoSchedule"),)
    assert (pools.pools["workers"].runs_on, pools.pools["workers"].queue) == ("celery", "quick")


def test_as_plain_data_pools_go_into_a_plan_and_come_back(pools: Pools) -> None:
    plain = json.loads(json.dumps(pools.to_plain()))
    assert plain == pools.to_plain() == file.from_plain(plain).to_plain()


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (Resources(), "workers"),
        (Resources(cpu=2), "highcpu"),
        (Resources(memory_mb=9000), "highmem"),
        (Resources(gpu=1), "gpu"),
        (Resources(memory_mb=20_000, gpu=1), "gpu"),
        (Resources(pool="highmem"), "highmem"),
    ],
)
def test_a_step_goes_to_the_pool_it_names_or_to_the_smallest_that_it_fits(
    pools: Pools, asked: Resources, chosen: str
) -> None:
    assert pools.choose("train", asked).name == chosen


def test_a_pool_that_does_not_say_where_it_runs_runs_where_the_export_says(pools: Pools) -> None:
    assert [pool.runs_on for pool in pools.pools.values()] == ["", "", "", "celery"]
    assert [pool.runs_on for pool in pools.on("local").pools.values()] == ["local", "local", "local", "celery"]


def test_the_pool_named_default_takes_what_fits_it() -> None:
    pools = file.read(
        '[pools.default]\nruns_on="local"\nmemory_mb=4000\n[pools.small]\nruns_on="local"\n[pools.large]\n'
        'runs_on="local"\nmemory_mb=9000',
        "pools.toml",
    )
    assert pools.choose("train", Resources()).name == "default"
    assert pools.choose("train", Resources(memory_mb=5000)).name == "large"


def test_a_step_that_ran_out_of_memory_goes_to_the_larger_pool_with_more(pools: Pools) -> None:
    highcpu, asked = pools.pools["highcpu"], Resources(memory_mb=6000)
    assert pools.after_memory(highcpu, asked, 0) == (highcpu, asked)
    pool, more = pools.after_memory(highcpu, asked, 1)
    assert (pool.name, more.memory_mb, more.pool) == ("highmem", 12_000, "highmem")
    assert pools.after_memory(highcpu, asked, 5) == (pool, more)  # there is none larger
    assert pools.after_memory(highcpu, Resources(), 1)[1].memory_mb == 16_000


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Resources(pool="huge"), "there is no pool 'huge' (step train). Pools are gpu, highcpu, highmem, workers"),
        (Resources(pool="gpu", gpu=2), "it asks for 2 GPUs, and a machine of pool gpu offers 1"),
        (Resources(memory_mb=90_000), "no machine holds it: it asks for 90000 MiB of memory, and a machine of pool"),
        (Resources(cpu=64), "it asks for 64 CPU cores, and a machine of pool highcpu offers 16"),
    ],
)
def test_what_no_machine_holds_is_said_with_what_there_is(pools: Pools, asked: Resources, said: str) -> None:
    with pytest.raises(BadInput) as error:
        pools.choose("train", asked)
    assert said in str(error.value)
    assert "step train" in str(error.value)


PODS = '[pods]\nnamespace = "noria"\nimage = "noria:1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[pools", "it is no TOML"),
        ("", "there is no pool"),
        ("pools = 3", "3 is no table"),
        ("[kubernetes]\n[pools.a]", "unknown table kubernetes"),
        ('[pools.a]\nruns_on = "kubernetes"', "there are pools on kubernetes and no table [pods]"),
        ('[pods]\nimage = "noria:1"\n[pools.a]', "'namespace' is missing (pools.toml, pods)"),
        (PODS + '[pools.a]\nmemory = "1Gi"', "unknown memory (pools.toml, pools.a). Known are name, runs_on, cpu"),
        (PODS + '[pools.a]\nmemory_mb = "1Gi"', "memory_mb='1Gi' is not a whole number (pools.toml, pools.a)"),
        (PODS + "[pools.a]\ncpu = 0", "cpu is 0"),
        (PODS + "[pools.a]\nmemory_mb = 512", "asks_mb is 1024, more than its machines offer"),
        (PODS + "[pools.A_b]", "'A_b' is no pool's name"),
        (PODS + '[pools.a]\nruns_on = "slurm"', "runs_on is 'slurm'"),
        (PODS + '[pools.a]\nlarger = "b"', "larger is 'b'"),
        (PODS + '[pools.a]\nlarger = "b"\n[pools.b]', "whose machines have no more memory"),
        (PODS + '[pools.a]\nlarger = "b"\n[pools.b]\nmemory_mb = 2048\nruns_on = "celery"', "which runs on celery"),
        (PODS + '[pools.a.labels]\npool = "not a label"', "pool='not a label' is no label"),
        (PODS + '[pools.a]\ntolerations = [{ key = "a", effect = "Never" }]', "tolerates the effect 'Never'"),
        (PODS + '[pools.a]\ntolerations = [{ value = "a" }]', "'key' is missing (pools.toml, pools.a.tolerations)"),
        (PODS + '[pools.a]\ntolerations = "a"', "tolerations is no list"),
        (PODS + 'secrets = "noria"\n[pools.a]', "secrets is a text, not a list"),
        (PODS + 'secrets = ["postgresql://u:p@h/d"]\n[pools.a]', "Give names of objects in the cluster, never values"),
        (PODS + 'pull_policy = "Sometimes"\n[pools.a]', "pull_policy is 'Sometimes'"),
        (PODS + 'volumes = [{ claim = "c", path = "/tmp" }]\n[pools.a]', "mounts two volumes at /tmp"),
        (PODS + 'volumes = [{ path = "/data" }]\n[pools.a]', "mounts not one thing at /data"),
        (PODS + 'volumes = [{ claim = "c", path = "data" }]\n[pools.a]', "mounts something at 'data'"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        file.read(text, "pools.toml")
    assert said in str(error.value)
    assert "pools.toml" in str(error.value)
    assert "\n" not in str(error.value).partition(" (pools.toml")[0]


def test_the_example_of_a_file_can_be_used() -> None:
    example = Path(__file__).parents[2] / "deploy" / "airflow" / "pools.toml"
    pools = file.read(example.read_text(), example.name)
    assert {"highmem", "highcpu", "gpu"} <= pools.pools.keys()
