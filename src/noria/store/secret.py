"""A secret in a file of its own, for its owner only: made once, whoever asks first."""

import os
import secrets
from pathlib import Path

BYTES = 32


def of(file: Path) -> bytes:
    """The secret in the file, made if there is none.

    Raises
    ------
    OSError
        If the file can neither be read nor made.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(secrets.token_bytes(BYTES))
        target.flush()
        os.fsync(target.fileno())
    try:
        os.link(draft, file)  # the first one counts, whoever else makes one now
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_bytes()
