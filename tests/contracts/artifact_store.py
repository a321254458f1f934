"""What every artifact store must do; a store's tests subclass this and supply the store."""

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from noria.digest import Digest
from noria.errors import NotFound
from noria.store.artifacts import ArtifactStore
from noria.store.memory import Memory


class ArtifactStoreContract:
    @pytest.fixture
    def store(self) -> ArtifactStore:
        raise NotImplementedError("each implementation supplies itself")

    def test_gives_back_what_was_put(self, store: ArtifactStore) -> None:
        assert store.get(store.put(b"weights")) == b"weights"

    def test_putting_twice_is_putting_once(self, store: ArtifactStore) -> None:
        assert store.put(b"weights") == store.put(b"weights")
        assert list(store.all()) == [Digest.of(b"weights")]

    def test_a_file_has_the_digest_of_its_bytes(self, store: ArtifactStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"x" * 3_000_000)
        digest = store.put_file(file)
        assert digest == Digest.of_file(file)
        assert store.path(digest).read_bytes() == file.read_bytes()

    def test_what_is_not_there_is_not_found(self, store: ArtifactStore) -> None:
        with pytest.raises(NotFound):
            store.get(Digest.of(b"never put"))
        with pytest.raises(NotFound):
            store.path(Digest.of(b"never put"))
        assert not store.has(Digest.of(b"never put"))

    def test_deleting_what_is_gone_is_a_no_op(self, store: ArtifactStore) -> None:
        store.delete(Digest.of(b"never put"))

    def test_what_was_erased_says_so_until_the_same_bytes_are_put_again(self, store: ArtifactStore) -> None:
        digest = store.put(b"rows of somebody")
        for _ in range(2):
            store.erase(digest, "e1")
            assert not store.has(digest)
            assert digest not in store.all()
            with pytest.raises(NotFound, match="erased, by erasure e1"):
                store.get(digest)
        store.put(b"rows of somebody")
        store.delete(digest)
        with pytest.raises(NotFound, match="no artifact"):
            store.get(digest)

    def test_what_was_put_since_stays_and_what_was_not_goes(self, store: ArtifactStore) -> None:
        digest = store.put(b"weights")
        (held,) = store.held()
        assert (held.digest, held.bytes) == (digest, 7)
        assert not store.discard(digest, held.at)
        assert store.get(digest) == b"weights"
        assert store.discard(digest, held.at + 1)
        assert not store.has(digest)
        assert store.discard(digest, held.at + 1)
        assert list(store.held()) == []
        store.put(b"weights")
        assert store.get(digest) == b"weights"

    def test_nothing_is_as_good_as_something(self, store: ArtifactStore) -> None:
        assert store.get(store.put(b"")) == b""


class AnswersLikeMemory(RuleBasedStateMachine):
    """Random calls give the same answers as the store in memory."""

    digests = Bundle("digests")

    def make(self) -> ArtifactStore:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.store, self.model = self.make(), Memory()

    @rule(target=digests, data=st.binary(max_size=8))
    def put(self, data: bytes) -> Digest:
        self.model.put(data)
        return self.store.put(data)

    @rule(digest=digests)
    def delete(self, digest: Digest) -> None:
        self.store.delete(digest)
        self.model.delete(digest)

    @rule(digest=digests)
    def get(self, digest: Digest) -> None:
        assert answer(self.store, digest) == answer(self.model, digest)

    @rule(digest=digests)
    def has(self, digest: Digest) -> None:
        assert self.store.has(digest) == self.model.has(digest)

    @rule()
    def all(self) -> None:
        assert sorted(self.store.all()) == sorted(self.model.all())


def answer(store: ArtifactStore, digest: Digest) -> bytes | None:
    try:
        return store.get(digest)
    except NotFound:
        return None
