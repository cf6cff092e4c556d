"""The work of expressions, counted before it is begun."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from sessiond.actors.core.errors import ExpressionCost, ExpressionError
from sessiond.actors.core.expression_cost import (
    _TEXT,
    MAX_NESTING,
    MAX_UNITS,
    MAX_VALUES_READ,
    Work,
    _values,
    check_work,
    measure,
    values_in,
)
from sessiond.actors.core.expression_syntax import parse
from sessiond.actors.core.expressions import Expression

MANY = list(range(100_000))
LONG = "a" * 1_000_000


class Given:
    """A scope of given values."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def variables(self, names: frozenset[str], nodes: frozenset[str] | None) -> dict[str, Any]:
        return {name: self.values[name] for name in names}

    def spend(self, source: str, units: int) -> None:
        self.units = getattr(self, "units", 0) + units


def units(source: str, **variables: Any) -> int:
    return check_work(source, parse(source), variables)


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("input.map(x, x)", MANY),
        ("input.filter(x, x > 0)", MANY),
        ("input.all(x, input.all(y, x + y >= 0))", MANY),
        ("input.exists(x, input.exists(y, x == y + 1))", MANY),
        ("input.map(x, input.map(y, [x, y]))", MANY[:1_000]),
        ("[input, input].map(x, x.map(y, input)).size()", MANY[:1_000]),
        ("input.map(x, input)", MANY[:2_000]),
        ("[0, 1, 2].map(x, [input + input].map(y, y + y))", MANY),
        (" + ".join(["input"] * 90), LONG),
        (" + ".join(["input"] * 90), MANY),
        ("[input + input + input + input].map(x, x + x + x + x).map(y, y + y + y + y)", LONG),
        ("input.matches('a{1000}{1000}')", LONG),
        ("input.matches('(((a{1,100}){1,100}){1,100}){1,100}')", LONG),
        ("input.matches(input)", LONG),
        (r"input.all(x, x.matches('(\\w{1,50}\\W{1,50}){1,50}'))", ["a"] * 1_000),
        ("input.all(x, 'b' in input)", ["a"] * 10_000),
        ("input.map(k, input[k])", {f"k{i}": "v" * 100 for i in range(5_000)}),
    ],
)
def test_too_much_work_is_refused_before_it_is_begun(source: str, data: Any) -> None:
    with pytest.raises(ExpressionCost, match="units of work, the limit is") as refused:
        Expression(source).evaluate(Given(input=data))
    assert refused.value.node_code == "expression_cost"


@pytest.mark.parametrize(
    ("source", "data", "value"),
    [
        ("size(input)", MANY, 100_000),
        ("input.all(x, x >= 0)", MANY[:20_000], True),
        ("input.filter(x, x.ok).size()", [{"ok": True, "text": "word " * 100} for _ in range(200)], 200),
        ("input.map(x, x * 2).size()", MANY[:1_000], 1_000),
        ("size(input + input)", LONG, 2_000_000),
        ("input.matches('(a+)+$')", LONG, True),
        ("input.filter(x, x.matches('^[a-z]{2,8}$')).size()", ["abc"] * 100, 100),
    ],
)
def test_what_people_write_is_not_refused(source: str, data: Any, value: Any) -> None:
    assert Expression(source).evaluate(Given(input=data)) == value


def test_work_grows_as_it_does_in_the_evaluator() -> None:
    def grown(source: str, by: int) -> float:
        return units(source, input=MANY[: 30 * by]) / units(source, input=MANY[:30])

    assert grown("input.all(x, x > 0)", 10) < 12
    assert 30 < grown("input.map(x, x)", 10) < 120  # it copies the list for each item
    assert 80 < grown("input.all(x, input.all(y, x > y))", 10) < 120


def test_only_what_a_path_leads_to_is_counted() -> None:
    data = {"big": MANY[:10_000], "small": MANY[:10]}
    assert units("input.small.map(x, x)", input=data) < 3 * units("input.small", input=data)
    with pytest.raises(ExpressionCost):
        units("input[input.key].map(x, x)", input=data)


def test_a_variable_of_a_comprehension_hides_the_one_outside_and_only_there() -> None:
    inside = units("[[1]].map(input, input.map(y, y))", input=MANY[:1_000])
    assert inside < units("[[1]].map(x, input.map(y, y))", input=MANY[:1_000]) / 4
    both = units("[[1]].map(input, 1).size() + input.map(y, y).size()", input=MANY[:1_000])
    assert both > 4 * inside


def test_data_that_is_nested_too_deeply_is_refused() -> None:
    data: Any = 1
    for _ in range(MAX_NESTING + 2):
        data = [data]
    with pytest.raises(ExpressionError, match="nested deeper"):
        units("input", input=data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("aä", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=4),
    max_leaves=12,
)
SOURCES = st.recursive(
    st.sampled_from(["input", "x", "input.a", "input[0]", "'text'", "1", "[1, 2]", "{'a': 'b'}", "upstream.b"]),
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("({} == {})".format, inner, inner),
        st.builds("(true ? {} : {})".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'a': {}}}".format, inner),
        st.builds("{}.map(x, {})".format, inner, inner),
        st.builds("{}.filter(x, {} != 1)".format, inner, inner),
        st.builds("{}.a".format, inner),
        st.builds("{}[0]".format, inner),
        st.builds("string({})".format, inner),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(SOURCES, JSON, JSON)
def test_nothing_comes_out_larger_than_its_bound(source: str, data: Any, upstream: Any) -> None:
    variables = {"input": data, "upstream": upstream}
    try:
        value = Expression(source).evaluate(Given(**variables))
    except ExpressionError:
        return
    work = Work(variables)
    bound, exact = work.of(parse(source)), measure(value, {})
    assert exact.size <= bound.size
    assert exact.width <= bound.width
    assert exact.item <= bound.item
    assert exact.size <= work.units <= MAX_UNITS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('[]{},:"\\\\a', max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{},:"a', max_size=3), inner, max_size=4),
    max_leaves=20,
)


def counted(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(counted, value.values()))
    return 1 + (sum(map(counted, value)) if isinstance(value, list) else 0)


@given(JSON)
def test_values_are_counted_without_decoding(value: Any) -> None:
    data = Raw(msgspec.json.encode([value, [0] * MAX_VALUES_READ][:1]))
    exact, found = counted([value]), values_in(data)
    assert found >= exact  # what stands in texts may count too, as long as there is little of all
    assert _values(_TEXT.sub(b"0", bytes(data))) == exact


def test_commas_in_a_text_are_no_values() -> None:
    assert values_in(Raw(msgspec.json.encode("1,2,[" * 300_000))) == 1


def test_more_than_can_be_read_is_not_counted_to_its_end() -> None:
    assert values_in(Raw(msgspec.json.encode([""] * 900_000))) == MAX_VALUES_READ + 1
    assert values_in(Raw(msgspec.json.encode([[]] * 900_000))) > MAX_VALUES_READ
