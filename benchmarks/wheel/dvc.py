"""DVC: eight stages that copy a small file, of which nothing changed, so that ``dvc repro`` only looks."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks import peers
from benchmarks.measure import Action
from benchmarks.processes import seconds

STAGES = 8
NAME = f"{peers.title(peers.DVC)}, {STAGES} unchanged stages"


def prepare(folder: Path, env: Mapping[str, str]) -> Action:
    """The project after a first ``dvc repro``, and what repeats it; ``Trouble`` if DVC cannot be had."""
    program = peers.install(peers.DVC).program("dvc")
    (folder / "d0").write_text("0\n")
    (folder / "dvc.yaml").write_text("stages:\n" + "".join(map(_stage, range(1, STAGES + 1))))
    own = {**env, "DVC_SITE_CACHE_DIR": str(folder / "site"), "DVC_GLOBAL_CONFIG_DIR": str(folder / "config")}
    for words in (["init", "-q", "--no-scm"], ["config", "core.check_update", "false"], ["repro", "-q"]):
        seconds([program, *words], folder, own)
    return lambda: seconds([program, "repro"], folder, own)


def _stage(number: int) -> str:
    before, after = f"d{number - 1}", f"d{number}"
    return f"  s{number}:\n    cmd: cp {before} {after}\n    deps: [{before}]\n    outs: [{after}]\n"
