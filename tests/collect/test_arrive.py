"""What is new, by content."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noria.collect.arrive import Arrival, new, replaced

ARRIVALS = st.lists(st.builds(Arrival, st.just("files"), st.text("ab"), st.sampled_from("12345"), st.just(1)))


@settings(deadline=None)
@given(ARRIVALS, st.sets(st.sampled_from("12345")))
def test_each_content_arrives_once_and_nothing_known_arrives(offered: list[Arrival], known: set[str]) -> None:
    found = new(offered, known)
    digests = [arrival.digest for arrival in found]
    assert len(set(digests)) == len(digests)
    assert set(digests) == {arrival.digest for arrival in offered} - known
    assert all(next(a for a in offered if a.digest == arrival.digest) is arrival for arrival in found)
    assert new(offered, known | set(digests)) == []


def file(name: str, digest: str) -> Arrival:
    return Arrival("files", name, digest, 1)


@pytest.mark.parametrize(
    ("offered", "kept", "out", "back"),
    [
        ([file("a", "1")], [], set(), {"1"}),
        ([file("a", "2")], [], {"1"}, set()),
        ([file("a", "2")], ["1"], set(), set()),
        ([file("b", "2")], [], set(), set()),
        ([file("b", "1")], [], set(), {"1"}),
        ([file("a", "2"), file("b", "1")], [], set(), {"1"}),
        ([], [], set(), set()),
    ],
    ids=["as it was", "corrected", "corrected after it was accepted", "another file", "renamed", "moved aside", "gone"],
)
def test_only_a_file_that_was_corrected_before_it_was_accepted_is_left_out(
    offered: list[Arrival], kept: list[str], out: set[str], back: set[str]
) -> None:
    assert replaced(offered, {"1": "a"}, kept, {}) == (out, back)


def test_who_offers_what_a_file_grew_to_offers_what_it_was() -> None:
    after = {"2": "1", "3": "2"}
    names = dict.fromkeys("123", "a")
    assert replaced([Arrival("files", "a", "3", 1)], names, (), after) == (set(), {"1", "2", "3"})
    assert replaced([Arrival("files", "a", "2", 1)], names, (), after) == ({"3"}, {"1", "2"})
    assert replaced([Arrival("files", "a", "4", 1)], names, (), after) == ({"1", "2", "3"}, set())
