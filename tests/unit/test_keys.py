"""Names of keys: tagged, unambiguous, and in the order of age."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.stores import moment, row

from sessiond.actors.core.ports import RowQuery, SessionRow
from sessiond.persistence import keys
from sessiond.persistence.listing import matches

words = st.text("ab:/% ~é", min_size=0, max_size=3)
rows = st.builds(
    lambda status, workflow_id, tenant, labels, waits: row(
        "s", status, workflow_id=workflow_id, tenant=tenant, labels=labels, waits=waits
    ),
    st.sampled_from(["running", "paused"]),
    words,
    words,
    st.dictionaries(words, words, max_size=2),
    st.sampled_from([(), ("n",)]),
)
queries = st.builds(
    RowQuery,
    words,
    st.none() | st.sampled_from(["running", "a"]),
    st.none() | words,
    st.none() | words,
    st.booleans(),
)


@given(rows, queries)
def test_an_index_holds_every_row_that_a_query_wants(item: SessionRow, query: RowQuery) -> None:
    if matches(item, query):
        assert set(keys.query_terms(query)) <= set(keys.row_terms(item))


@given(rows, words, words)
def test_an_index_of_one_thing_is_not_that_of_another(item: SessionRow, label: str, tenant: str) -> None:
    for query in (RowQuery(tenant, label=label), RowQuery(tenant, workflow_id=label)):
        assert (set(keys.query_terms(query)) <= set(keys.row_terms(item))) == matches(item, query)


@given(rows)
def test_terms_hold_no_white_space(item: SessionRow) -> None:
    terms = keys.row_terms(item)
    assert " ".join(terms).split() == terms


def test_members_sort_by_age_then_id() -> None:
    places = [(moment(at), name) for at in (0, 9, 10, 1_000_000) for name in ("", "a", "a~n~1", "b", "é")]
    members = [keys.member(*place).encode() for place in places]
    assert members == sorted(members)


def test_keys_of_a_shard_carry_its_tag() -> None:
    for name in (keys.owner(7), keys.log(7, "a"), keys.session(7, "a"), keys.index(7, "x")):
        assert name.startswith(keys.prefix(7))
    assert keys.prefix(7) == "{s7}:"
