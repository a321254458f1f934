"""The memory that something takes is its own: not that of before, nor of who started the process."""

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from noria import peak
from noria.peak import Peak

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the mark is read from /proc")
LARGE = 1 << 23  # numbers: 64 MiB
CHILD = "from noria.peak import Peak; print(Peak().mb())"


def test_what_was_taken_and_given_back_before_does_not_count() -> None:
    first = Peak()
    np.ones(LARGE)
    gc.collect()
    second = Peak()
    np.ones(LARGE // 8)
    assert first.mb() > second.mb() + 40, "the outer one knows of what was before the inner one began"


def test_a_process_inherits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held = np.ones(4 * LARGE)
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 128 < held.nbytes >> 20
    monkeypatch.setattr(peak, "CLEAR", Path("/nowhere/clear_refs"))
    assert Peak().mb() >= 256, "where the mark cannot be reset it is that of the process"
