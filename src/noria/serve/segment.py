"""The spool's files: records one after another, each with its length and checksum, so that damage is seen.

``NAME~PID~START.open`` is being written by that process; ``NAME.seg`` is complete. An open file whose process is gone
is complete too: its last record may be torn, and is then no record.
"""

import os
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from numpy.typing import NDArray

from noria import owner
from noria.model import texts
from noria.model.texts import LENGTH, Texts

HEAD = struct.Struct("<II")  # length and CRC-32 of the record that follows
PLAIN = frozenset("biufS")  # kinds of arrays that are captured as they are
BEGIN = re.compile(rb"[\x90-\x9f]\xa1[vprfs]")  # how every record begins: an array whose first element is its tag


class Version(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """Said once in a segment for each version that answers in it; the predictions after it refer to ``key``."""

    key: int
    endpoint: str
    number: int
    release: str
    classes: Sequence[Any] | None
    subject: str | None
    several: bool = False  # a row may have any number of the classes


class Predicted(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """One request's answers. ``columns`` are the inputs by name, lists or arrays; ``scores`` is float32, row-major."""

    key: int
    id: str
    at: float
    variant: str
    subject: str | None
    rows: int
    columns: Mapping[str, Any]
    scores: bytes


class PredictedRow(msgspec.Struct, frozen=True, array_like=True, tag="r", gc=False):
    """The answer to a request of one row; ``inputs`` are its columns by name, as the JSON that the table gets."""

    key: int
    id: str
    at: float
    variant: str
    subject: str | None
    inputs: bytes
    scores: bytes


class Told(msgspec.Struct, frozen=True, array_like=True, tag="f", gc=False):
    """One feedback."""

    endpoint: str
    prediction: str
    at: float
    label: str | None
    rating: float | None
    source: str


class Shadowed(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """What a shadow version would have answered; ``prediction`` is the id of what was. ``scores`` as in others."""

    key: int
    prediction: str
    at: float
    rows: int
    scores: bytes


Record = Version | Predicted | PredictedRow | Told | Shadowed
ARRAY, TEXTS = 1, 2  # the extensions of MessagePack that hold one


def _packed(array: "NDArray[Any] | Texts") -> msgspec.msgpack.Ext:
    """A column as it was sent: its dtype or number of texts, and its bytes; to make a list of it takes longer than to
    answer."""
    if isinstance(array, Texts):
        return msgspec.msgpack.Ext(TEXTS, b"".join([LENGTH.pack(len(array)), array.sent]))
    if array.dtype.kind not in PLAIN:
        raise NotImplementedError(f"arrays of {array.dtype} are not captured")
    return msgspec.msgpack.Ext(ARRAY, array.dtype.str.encode() + b" " + array.tobytes())


def _unpacked(code: int, data: memoryview) -> "NDArray[Any] | Texts | list[str]":
    if code == TEXTS and len(data) >= LENGTH.size:
        (count,), sent = LENGTH.unpack_from(data), bytes(data[LENGTH.size :])
        return texts.found([(sent, count)])[0] or texts.one_by_one(sent, count)
    kind, _, values = bytes(data).partition(b" ")
    if code != ARRAY or kind[1:2].decode() not in PLAIN:
        raise ValueError(f"extension {code} of {kind!r}")
    return np.frombuffer(values, dtype=np.dtype(kind.decode()))


ENCODER = msgspec.msgpack.Encoder(enc_hook=_packed)
DECODER: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record, ext_hook=_unpacked)


def frame(record: Record) -> bytes:
    """A record as it stands in a segment."""
    data = ENCODER.encode(record)
    return HEAD.pack(len(data), zlib.crc32(data)) + data


def read(path: Path) -> tuple[list[Record], int]:
    """All whole records of a segment, those after a damaged place too; and how many bytes are in none."""
    data = memoryview(path.read_bytes())
    found: list[Record] = []
    at = lost = 0
    while at < len(data):
        record, end = _record(data, at)
        if record is None:
            begin = BEGIN.search(data, at + HEAD.size + 1)
            end = begin.start() - HEAD.size if begin else len(data)
            lost += end - at
        else:
            found.append(record)
        at = end
    return found, lost


def _record(data: memoryview, at: int) -> tuple[Record | None, int]:
    """The record that begins there, if one does, and where it ends."""
    begin = at + HEAD.size
    if begin > len(data):
        return None, at
    length, checksum = HEAD.unpack_from(data, at)
    end = begin + length
    if end > len(data) or not BEGIN.match(data, begin):
        return None, at
    record = data[begin:end]
    if zlib.crc32(record) != checksum:
        return None, at
    try:
        return DECODER.decode(record), end
    except (msgspec.DecodeError, ValueError, TypeError):
        return None, at


def new_path(folder: Path) -> Path:
    """Where this process may write its next segment."""
    _, pid, started = owner.me().rsplit("/", 2)
    return folder / f"{uuid4().hex}~{pid}~{started}.open"


def complete(path: Path) -> Path:
    """Give a segment the name of one that nobody writes to any more."""
    done = path.with_name(path.name.partition("~")[0] + ".seg")
    os.replace(path, done)
    return done


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk, as ``fdatasync`` has the bytes of a file."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def adopt(folder: Path) -> list[Path]:
    """All complete segments of a spool, those that a dead process left open among them, by name."""
    host = owner.me().rsplit("/", 2)[0]
    for path in folder.glob("*~*~*.open"):
        _, pid, started = path.stem.split("~", 2)
        if pid.isdecimal() and owner.is_gone(f"{host}/{pid}/{started}"):
            complete(path)
    return sorted(folder.glob("*.seg"))


def waiting(folder: Path) -> list[tuple[float, int]]:
    """When each segment of a spool was last written to, in seconds since the epoch, and its size in bytes."""
    found = []
    for path in [*folder.glob("*.seg"), *folder.glob("*.open")]:
        with suppress(FileNotFoundError):  # it was carried on meanwhile
            stat = path.stat()
            found.append((stat.st_mtime, stat.st_size))
    return found
