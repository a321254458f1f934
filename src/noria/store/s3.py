"""Artifacts in an S3-compatible bucket; what is read is kept in a local folder too.

Address and credentials come from the usual environment: ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from noria.digest import Digest
from noria.errors import Damaged, NotFound, StoreUnavailable
from noria.store.folder import Folder
from noria.store.marks import ERASED, Held, was_erased

FRESH_S = 6 * 3600  # after which the same bytes are put again, so that they count as used: `discard` goes by that


class S3:
    """Implements ``ArtifactStore``. An object appears when its upload is complete, as S3 promises."""

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url.rstrip("/")
        bucket, _, self._prefix = self.url.removeprefix("s3://").partition("/")
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        self._store = S3Store(
            bucket,
            prefix=self._prefix or None,
            endpoint=endpoint,
            region=os.environ.get("AWS_REGION", "us-east-1"),
            virtual_hosted_style_request=False,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "30s"},
        )
        self._cache = Folder(cache)

    def put(self, data: bytes) -> Digest:
        digest = self._cache.put(data)
        self._upload(digest)
        return digest

    def put_file(self, path: Path) -> Digest:
        digest = self._cache.put_file(path)
        self._upload(digest)
        return digest

    def get(self, digest: Digest) -> bytes:
        if self._cache.has(digest):
            return self._cache.get(digest)
        data = self._download(digest)
        if Digest.of(data) != digest:
            raise Damaged(
                f"artifact {digest} was altered in the bucket",
                where=self.url,
                do="Delete that object and run the step that makes it again with --force.",
            )
        self._cache.put(data)
        return data

    def path(self, digest: Digest) -> Path:
        if not self._cache.has(digest):
            self.get(digest)
        return self._cache.path(digest)

    def has(self, digest: Digest) -> bool:
        try:
            obstore.head(self._store, _key(digest))
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise self._unavailable(error) from error
        return True

    def delete(self, digest: Digest) -> None:
        self._cache.delete(digest)
        try:
            obstore.delete(self._store, _key(digest))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._unavailable(error) from error

    def erase(self, digest: Digest, why: str) -> None:
        try:
            obstore.put(self._store, _mark(digest), why.encode())
        except BaseError as error:
            raise self._unavailable(error) from error
        self.delete(digest)

    def all(self) -> Iterator[Digest]:
        try:
            for page in obstore.list(self._store):
                paths = [item["path"] for item in page]
                yield from (Digest(path.replace("/", "")) for path in paths if not path.startswith(f"{ERASED}/"))
        except BaseError as error:
            raise self._unavailable(error) from error

    def held(self) -> Iterator[Held]:
        try:
            for page in obstore.list(self._store):
                for item in page:
                    if not item["path"].startswith(f"{ERASED}/"):
                        at = item["last_modified"].timestamp()
                        yield Held(Digest(item["path"].replace("/", "")), item["size"], at)
        except BaseError as error:
            raise self._unavailable(error) from error

    def discard(self, digest: Digest, before: float) -> bool:
        at = self._put_at(digest)
        if at is not None and at >= before:
            return False
        self.delete(digest)
        return True

    def _put_at(self, digest: Digest) -> float | None:
        try:
            return float(obstore.head(self._store, _key(digest))["last_modified"].timestamp())
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise self._unavailable(error) from error

    def _upload(self, digest: Digest) -> None:
        at = self._put_at(digest)
        if at is not None and time.time() - at < FRESH_S:
            return
        try:
            obstore.put(self._store, _key(digest), self._cache.path(digest))
            obstore.delete(self._store, _mark(digest))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise self._unavailable(error) from error

    def _download(self, digest: Digest) -> bytes:
        try:
            return bytes(obstore.get(self._store, _key(digest)).bytes())
        except FileNotFoundError:
            raise self._missing(digest) from None
        except BaseError as error:
            raise self._unavailable(error) from error

    def _missing(self, digest: Digest) -> NotFound:
        try:
            why = bytes(obstore.get(self._store, _mark(digest)).bytes()).decode()
        except FileNotFoundError:
            return NotFound(f"no artifact {digest}", where=self.url, do="Run the step that makes it again.")
        except BaseError as error:
            raise self._unavailable(error) from error
        return was_erased(digest, why, self.url)

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        cause = str(error).splitlines()[0][:200]
        return StoreUnavailable(
            f"the bucket cannot be used: {cause}",
            where=self.url,
            do="See to AWS_ENDPOINT_URL, the credentials and the network, then run the same command again.",
        )


def _key(digest: Digest) -> str:
    return f"{digest.hex[:2]}/{digest.hex[2:]}"


def _mark(digest: Digest) -> str:
    return f"{ERASED}/{digest.hex}"
