from __future__ import annotations

import contextlib
import gc
import tracemalloc
from collections.abc import Set
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessiond.actors.core.errors import ExpressionError
from sessiond.actors.core.expressions import MAX_SOURCE, Expression, expression, resolve, template


class Plain:
    """A scope of given values that notes what it was asked for."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.asked: tuple[frozenset[str], frozenset[str] | None] | None = None

    def variables(self, names: frozenset[str], nodes: frozenset[str] | None) -> dict[str, Any]:
        self.asked = names, nodes
        return {name: self.values[name] for name in names}

    def spend(self, source: str, units: int) -> None:
        self.units = getattr(self, "units", 0) + units


SCOPE = Plain(
    input={"topic": "tea", "n": 3},
    nodes={"a": {"output": {"score": 0.9, "text": "hi"}}, "b-2": {"output": 4}},
    upstream={"a": {"score": 0.9}},
    context={},
    round=2,
)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("input.n + 1", 4),
        ("nodes.a.output.score >= 0.8 && round < 5", True),
        ('nodes["b-2"].output', 4),
        ("upstream.a.score", 0.9),
        ("input", {"topic": "tea", "n": 3}),
        ("has(context.x) ? 1 : 2", 2),
        ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
    ],
)
def test_values(source: str, value: Any) -> None:
    assert Expression(source).evaluate(SCOPE) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ input.n }", 3),
        ("about ${input.topic}!", "about tea!"),
        ("${input.n} of ${ input }", '3 of {"n":3,"topic":"tea"}'),
        ("${ '}' + \"{\" }", "}{"),
        ("${ {'a': 1}.a }", 1),
        ("costs $${5}", "costs ${5}"),
        ("plain", "plain"),
    ],
)
def test_templates(text: str, value: Any) -> None:
    assert template(text)(SCOPE) == value


def test_resolve_goes_to_any_depth() -> None:
    assert resolve({"a": ["${round}", {"b": "r${round}"}], "c": 1}, SCOPE) == {"a": [2, {"b": "r2"}], "c": 1}


@pytest.mark.parametrize(
    ("source", "names", "nodes"),
    [
        ("nodes.a.output", {"nodes"}, {"a"}),
        ("nodes.a.output.score + nodes['b-2'].output", {"nodes"}, {"a", "b-2"}),
        ("input.n", {"input"}, set()),
        ("nodes.exists(k, nodes[k].status == 'failed')", {"nodes"}, None),
    ],
)
def test_only_what_is_read_is_asked_for(source: str, names: set[str], nodes: Set[str] | None) -> None:
    scope = Plain(**SCOPE.values)
    with contextlib.suppress(ExpressionError):
        Expression(source).evaluate(scope)
    asked: Any = scope.asked
    assert asked == (names, nodes)


@pytest.mark.parametrize(
    "source",
    ["", "1 +", "input.", "x", "foo(1)", "(" * 3000, "1" * (MAX_SOURCE + 1), "[1].map(a,[1].map(b,[1].map(c,1)))"],
)
def test_what_cannot_be_right_is_refused_with_its_own_error(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source).evaluate(SCOPE)


@pytest.mark.parametrize("source", ["input.missing", "1 / 0", "'a' + 1", "input.n.x", "9223372036854775807 + 1"])
def test_what_fails_says_which_expression(source: str) -> None:
    with pytest.raises(ExpressionError) as failed:
        Expression(source).evaluate(SCOPE)
    assert repr(source) in str(failed.value)


@pytest.mark.parametrize("source", ["input.__class__", "input.topic.__len__", "''.__class__.__mro__"])
def test_there_is_no_way_to_python(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source).evaluate(SCOPE)


def test_a_truth_must_be_a_boolean() -> None:
    assert expression("round == 2").truth(SCOPE) is True
    assert expression("${ round == 3 }").truth(SCOPE) is False
    with pytest.raises(ExpressionError, match="a boolean is needed"):
        expression("round").truth(SCOPE)


@pytest.mark.parametrize("text", ["${ input.n", "a ${ 'x }", "${"])
def test_an_open_brace_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="not closed"):
        template(text)


@given(st.text(alphabet="${}'\"ainput.+1()[]:,?&|<>= \\\n", max_size=40))
def test_nothing_but_an_expression_error_comes_out(text: str) -> None:
    for build in (template, lambda t: expression(t).evaluate):
        try:
            build(text)(SCOPE)
        except ExpressionError:
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)
WORDS = st.sampled_from(
    [
        *("input", "nodes", "upstream", "context", "round", "x", "a", "true", "null", "1", "-1", "1.5", "9u", "'t'"),
        *('"\\n"', "r'\\d+'", "b'x'", "[", "]", "{", "}", "(", ")", ",", ".", ":", "?", "+", "-", "*", "/", "%"),
        *("==", "!=", "<", ">=", "&&", "||", "!", " in ", ".map(x,", ".filter(x,", ".all(x,", ".exists(x,", ".size()"),
        *(".matches(", "has(", "size(", "string(", "int(", "duration(", "timestamp(", "dyn(", "//", "\n", "`", "\\"),
        *("9223372036854775807", "0x", "1e999", "\x00", "é", "\ud800", "${", "}"),
    ]
)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=14).map("".join) | st.text(max_size=30), JSON)
def test_no_text_and_no_data_raises_anything_else(text: str, data: Any) -> None:
    scope = Plain(input=data, nodes={"a": {"output": data}}, upstream={"a": data}, context=data, round=1)
    for build in (template, lambda t: expression(t).evaluate, lambda t: Expression(t).truth):
        try:
            build(text)(scope)
        except ExpressionError:
            continue


def test_long_texts_are_not_remembered() -> None:
    def held(count: int) -> int:
        tracemalloc.start()
        try:
            for number in range(count):
                template(f"{number} " + "x" * 100_000 + "${input.a}")
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    held(1)
    assert held(100) < 1_000_000
