import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from contracts.artifact_store import AnswersLikeMemory, ArtifactStoreContract
from noria.digest import Digest
from noria.errors import Damaged, StoreUnavailable, UserError
from noria.store.artifacts import ArtifactStore, open_artifacts
from noria.store.folder import Folder
from noria.store.memory import Memory
from noria.store.s3 import S3


class TestMemory(ArtifactStoreContract):
    @pytest.fixture
    def store(self) -> ArtifactStore:
        return Memory()


class TestFolder(ArtifactStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return Folder(tmp_path / "artifacts")


@pytest.mark.system
class TestS3(ArtifactStoreContract):
    @pytest.fixture
    def store(self, s3_url: str, tmp_path: Path) -> ArtifactStore:
        return S3(s3_url, tmp_path / "cache")

    def test_another_machine_reads_what_this_one_put(self, store: ArtifactStore, s3_url: str, tmp_path: Path) -> None:
        digest = store.put(b"weights")
        assert S3(s3_url, tmp_path / "other").get(digest) == b"weights"

    def test_an_altered_object_is_refused(self, store: ArtifactStore, s3_url: str, tmp_path: Path) -> None:
        import boto3

        digest = store.put(b"weights")
        bucket, _, prefix = s3_url.removeprefix("s3://").partition("/")
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{digest.hex[:2]}/{digest.hex[2:]}", Body=b"evil")
        with pytest.raises(Damaged, match="altered"):
            S3(s3_url, tmp_path / "other").get(digest)

    def test_an_endpoint_that_is_away_is_one_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "ENDPOINT_URL": "http://127.0.0.1:9",
            "ACCESS_KEY_ID": "x",
            "SECRET_ACCESS_KEY": "x",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        with pytest.raises(StoreUnavailable, match="AWS_ENDPOINT_URL"):
            S3("s3://nowhere", tmp_path / "cache").put(b"weights")


class FolderAnswersLikeMemory(AnswersLikeMemory):
    def make(self) -> ArtifactStore:
        self.folder = tempfile.TemporaryDirectory()
        return Folder(Path(self.folder.name))

    def teardown(self) -> None:
        self.folder.cleanup()


FolderAnswersLikeMemory.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestFolderAnswersLikeMemory = FolderAnswersLikeMemory.TestCase


def test_bytes_that_were_altered_on_disk_are_refused(tmp_path: Path) -> None:
    store = Folder(tmp_path)
    digest = store.put(b"weights")
    file = store.path(digest)
    os.chmod(file, 0o644)
    file.write_bytes(b"evil")
    with pytest.raises(Damaged, match="altered on disk"):
        Folder(tmp_path).get(digest)
    with pytest.raises(Damaged, match="altered on disk"):
        Folder(tmp_path).path(digest)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = f"""
import resource, signal
from pathlib import Path
from noria.store.folder import Folder
store = Folder(Path({str(tmp_path)!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.put(b"x" * 5000)
except Exception as error:
    print(type(error).__name__, error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("StoreUnavailable an artifact cannot be written")
    assert list(Folder(tmp_path).all()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_scheme_nobody_serves_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="gs://"):
        open_artifacts("gs://bucket", tmp_path)


def test_the_digest_is_the_same_however_the_bytes_come(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert Digest.of(b"abc") == Digest.of_file(file)
