"""What a pools file must hold to: one function a rule, each yielding what is wrong and what to do."""

import re
from collections.abc import Iterator

from noria.pools.pool import Pools

RUNS_ON = ("", "kubernetes", "celery", "local")
PULL = ("Always", "IfNotPresent", "Never")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
OBJECT = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL = re.compile(r"|[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

Problems = Iterator[tuple[str, str]]


def names_are_names(pools: Pools) -> Problems:
    for name in pools.pools:
        if not NAME.fullmatch(name):
            yield f"{name!r} is no pool's name", "Use lower-case letters, digits and '-', at most 63."
    pods = pools.pods
    if pods is None:
        return
    named = {
        "namespace": [pods.namespace],
        "service_account": [pods.service_account],
        "secrets": pods.secrets,
        "config_maps": pods.config_maps,
        "pull_secrets": pods.pull_secrets,
        "volumes": [volume.claim or volume.secret or volume.config_map for volume in pods.volumes],
    }
    for what, names in named.items():
        for name in names:
            if not OBJECT.fullmatch(name):
                yield f"pods.{what} has {name!r}", "Give names of objects in the cluster, never values."


def words_are_known(pools: Pools) -> Problems:
    for pool in pools.pools.values():
        if pool.runs_on not in RUNS_ON:
            yield f"pools.{pool.name}.runs_on is {pool.runs_on!r}", f"Use {', '.join(RUNS_ON[1:])}, or nothing."
        for one in pool.tolerations:
            if one.effect not in (None, *EFFECTS):
                yield f"pools.{pool.name} tolerates the effect {one.effect!r}", f"There are {', '.join(EFFECTS)}."
        for key, value in pool.labels.items():
            if not LABEL_KEY.fullmatch(key) or not isinstance(value, str) or not LABEL.fullmatch(value):
                yield f"pools.{pool.name}.labels: {key}={value!r} is no label", "See Kubernetes on labels."
    if pools.pods is not None and pools.pods.pull_policy not in PULL:
        yield f"pods.pull_policy is {pools.pods.pull_policy!r}", f"Use {', '.join(PULL)}."


def what_is_asked_is_offered(pools: Pools) -> Problems:
    for pool in pools.pools.values():
        if pool.asks_mb > pool.memory_mb:
            yield (
                f"pools.{pool.name}.asks_mb is {pool.asks_mb}, more than its machines offer",
                f"Its memory_mb is {pool.memory_mb}.",
            )


def larger_pools_are_larger(pools: Pools) -> Problems:
    for pool in pools.pools.values():
        if not pool.larger:
            continue
        here, there = f"pools.{pool.name}.larger is {pool.larger!r}", pools.pools.get(pool.larger)
        if there is None:
            yield here, f"Pools are {', '.join(sorted(pools.pools))}."
        elif there.memory_mb <= pool.memory_mb:
            yield f"{here}, whose machines have no more memory", "Name a pool with more memory_mb."
        elif there.runs_on != pool.runs_on:
            yield f"{here}, which runs on {there.runs_on}", f"Name one that runs on {pool.runs_on} too."


def pods_are_described(pools: Pools) -> Problems:
    if pools.pods is None and any(pool.runs_on == "kubernetes" for pool in pools.pools.values()):
        yield "there are pools on kubernetes and no table [pods]", "Give its namespace and image."


def mounts_are_apart(pools: Pools) -> Problems:
    pods = pools.pods
    if pods is None:
        return
    paths = [pods.home, "/tmp", *(volume.path for volume in pods.volumes)]  # noqa: S108  # of the container
    for volume in pods.volumes:
        if sum(map(bool, (volume.claim, volume.secret, volume.config_map))) != 1:
            yield f"pods mounts not one thing at {volume.path}", "Give one of claim, secret and config_map."
    for path in paths:
        if not path.startswith("/") or ":" in path:
            yield f"pods mounts something at {path!r}", "Give a path from the root, without ':'."
        if paths.count(path) > 1:
            yield f"pods mounts two volumes at {path}", "Give each its own path."


RULES = [
    mounts_are_apart,
    names_are_names,
    words_are_known,
    what_is_asked_is_offered,
    larger_pools_are_larger,
    pods_are_described,
]
