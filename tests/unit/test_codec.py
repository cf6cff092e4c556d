"""Records: what comes back is what went in, and a newer sessiond's records are left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores import moment, row

from sessiond.actors.core.errors import CorruptLog, FutureVersion
from sessiond.actors.core.ports import Definition, SessionRow
from sessiond.persistence import codec

text = st.text(st.characters(exclude_categories=["Cs"]))
rows = st.builds(
    SessionRow,
    text,
    text,
    text,
    text,
    st.integers(0, 2**62),
    text,
    text,
    st.none() | text,
    st.none() | text,
    st.none() | text,
    text,
    st.dictionaries(text, text, max_size=3),
    st.lists(text, max_size=3).map(tuple),
)
DECODERS = [codec.decode_row, codec.decode_snapshot, codec.decode_definition]


@given(rows)
def test_a_row_comes_back_equal(item: SessionRow) -> None:
    assert codec.decode_row(codec.encode_row(item)) == item


@given(st.binary())
def test_a_snapshot_comes_back_equal(data: bytes) -> None:
    assert codec.decode_snapshot(codec.encode_snapshot(data)) == data


@given(st.builds(Definition, text, text, st.binary(), text, st.booleans()))
def test_a_definition_comes_back_equal(definition: Definition) -> None:
    assert codec.decode_definition(codec.encode_definition(definition)) == definition


def test_a_record_begins_with_its_version() -> None:
    definition = Definition("w", "v", b"{}", moment(0))
    for record in (
        codec.encode_row(row("a")),
        codec.encode_snapshot(b""),
        codec.encode_definition(definition),
    ):
        assert record[0] == codec.VERSION


@pytest.mark.parametrize("decode", DECODERS)
def test_a_record_of_a_newer_version_is_refused(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(
        FutureVersion, match=f"has schema version {codec.VERSION + 1}, this sessiond reads up to {codec.VERSION}"
    ):
        decode(bytes((codec.VERSION + 1,)) + b'{"anything":1}')


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("record", [b"", b"\x00rest"])
def test_a_record_without_a_version_is_corrupt(decode: Callable[[bytes], object], record: bytes) -> None:
    with pytest.raises(CorruptLog):
        decode(record)


@pytest.mark.parametrize("decode", [codec.decode_row, codec.decode_definition])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"session_id":1}', b"\xff"])
def test_a_damaged_record_is_corrupt(decode: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(CorruptLog, match="can't be read"):
        decode(bytes((codec.VERSION,)) + body)
