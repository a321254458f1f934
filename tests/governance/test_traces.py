"""What gives a person away is found wherever it is packed, and taken out of plain data; nothing else is touched."""

import gzip
import io
import json
import zipfile

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noria.governance import traces
from noria.governance.traces import GONE, Traces

KEY = 'Zoë "Z" <Q>'
ANN = Traces((KEY,), frozenset({918_273.64}))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", data)
    return held.getvalue()


def parquet() -> bytes:
    held = io.BytesIO()
    pl.DataFrame({"who": [KEY]}).write_parquet(held)
    return held.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        KEY.encode(),
        json.dumps({"who": KEY}).encode(),
        json.dumps([KEY], ensure_ascii=False).encode(),
        b"<td>Zo\xc3\xab &quot;Z&quot; &lt;Q&gt;</td>",
        gzip.compress(KEY.encode() * 9),
        zipped(zipped(KEY.encode() * 9)),
        parquet(),
    ],
    ids=["plain", "json", "utf-8", "html", "gzip", "zip in zip", "parquet"],
)
def test_a_text_is_found_in_whatever_it_is_packed(data: bytes) -> None:
    assert ANN.within(data)
    assert not Traces(("somebody else",), frozenset()).within(data)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"row of {KEY}: high", f"row of {GONE}: high"),
        ("amount 918,273.64 is above 100", f"amount {GONE} is above 100"),
        ("amount 9.183e+05", f"amount {GONE}"),
        ("918273.641, 1918273.64 and v918273.64", "918273.641, 1918273.64 and v918273.64"),
        (json.dumps({"who": KEY, "n": [1, True, 918_273.64]}), json.dumps({"who": GONE, "n": [1, True, 920_000.0]})),
        ({"who": [KEY], KEY: 918_273.64}, {"who": [GONE], GONE: 920_000.0}),
    ],
)
def test_plain_data_lose_the_traces_and_keep_their_form(before: object, after: object) -> None:
    assert ANN.without(before) == after
    assert ANN.without(after) == after


@given(PLAIN)
def test_what_has_no_trace_stays_as_it_is(value: object) -> None:
    assert Traces(("a person's key",), frozenset({918_273.64})).without(value) == value


def test_only_values_that_nobody_else_has_tell() -> None:
    mine = pl.DataFrame({"job": ["nurse"], "note": ["my own words"], "amount": [918_273.64], "age": [41.0]})
    others = pl.DataFrame({"job": ["nurse", "smith"], "note": ["none", None], "amount": [1.5, 2.5], "age": [3.0, 4.0]})
    found = traces.of("k-1", [mine], pl.DataFrame(), pl.concat([others, mine]).lazy(), ["p-1"])
    assert set(found.texts) == {"k-1", "p-1", "my own words"}
    assert found.numbers == {918_273.64}
    assert np.isfinite(list(found.numbers)).all()


def test_a_value_that_others_have_too_does_not_tell_however_often_this_person_has_it() -> None:
    mine = pl.DataFrame(
        {"note": ["my own words", "my own words", "shared words"], "amount": [918_273.64, 5.0, 77_123.5]}
    )
    others = pl.DataFrame({"note": ["shared words", None, "none"], "amount": [77_123.5, 1.0, None]})
    sent = pl.DataFrame({"note": ["only sent in", "shared words"], "amount": [918_273.64, 55_555.5]})
    found = traces.of("k-1", [mine[:2], mine[2:]], sent, pl.concat([others, mine]).lazy(), [])
    assert set(found.texts) == {"k-1", "my own words", "only sent in"}
    assert found.numbers == {918_273.64, 55_555.5}
