"""What a model is made in: the versions that decide its bytes."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

SUFFIXES = (".dist-info", ".egg-info")


@cache
def environment() -> dict[str, Any]:
    """Python, platform, processors and the version of every installed package, by its normalised name.

    The names of the packages' folders say both, so that no metadata has to be read.
    """
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver()) or 'no glibc'}",
        "processors": os.cpu_count() or 1,
        "packages": dict(sorted(_packages())),
    }


def packages_of(recorded: Mapping[str, Any]) -> dict[str, str]:
    """The packages of a recorded environment; the first records were nothing but some packages."""
    return dict(recorded.get("packages", recorded))


def differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """One sentence for each thing that two environments do not share; packages that only one has are not named
    where the record holds but some of them.

    Examples
    --------
    >>> differences({"packages": {"numpy": "2.0"}}, {"packages": {"numpy": "2.1"}})
    ['numpy: 2.0 then, 2.1 now']
    """
    kinds = [kind for kind in ("python", "platform", "processors") if recorded.get(kind) not in (None, here.get(kind))]
    then, now = packages_of(recorded), packages_of(here)
    whole = "packages" in recorded
    names = [name for name in sorted(then.keys() | now.keys() if whole else then) if then.get(name) != now.get(name)]
    return [
        *(f"{kind}: {recorded[kind]} then, {here.get(kind)} now" for kind in kinds),
        *(f"{name}: {then.get(name, 'absent')} then, {now.get(name, 'absent')} now" for name in names),
    ]


def _packages() -> Iterator[tuple[str, str]]:
    """Of a package that is on the path twice, the one that is imported: the first."""
    for folder in reversed(sys.path):
        place = Path(folder or ".")
        for entry in sorted(place.iterdir()) if place.is_dir() else ():
            if entry.suffix in SUFFIXES:
                name, _, version = entry.stem.partition("-")
                yield name.lower().replace("_", "-").replace(".", "-"), version.partition("-py")[0]
