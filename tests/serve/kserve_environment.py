"""The KServe SDK in an environment of its own, beside the tests' one: it needs an older pandas."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "requirements" / "kserve.lock"


def python() -> Path:
    """Its interpreter; made when it is first asked for, again when the lock changes, by one process at a time."""
    folder = ROOT / ".bench" / f"kserve-python{sys.version_info.major}.{sys.version_info.minor}"
    folder.mkdir(parents=True, exist_ok=True)
    found, stamp = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != digest:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", LOCK]
            subprocess.run([found, *words], check=True)
            stamp.write_text(digest)
    return found
