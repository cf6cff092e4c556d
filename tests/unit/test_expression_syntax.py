"""CEL as it is read to know its work: precedence, comprehensions, and what is refused."""

from __future__ import annotations

import pytest

from sessiond.actors.core.errors import ExpressionError
from sessiond.actors.core.expression_syntax import (
    MAX_DEPTH,
    MAX_NESTING,
    Call,
    Collection,
    Expr,
    Literal,
    Macro,
    Name,
    Select,
    layers,
    parse,
)

A, B, C = Name("a"), Name("b"), Name("c")


def field(of: Expr, name: str) -> Select:
    return Select(of, Literal(name, name))


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a + b * c", Call("+", (A, Call("*", (B, C))))),
        ("a * b + c", Call("+", (Call("*", (A, B)), C))),
        ("a - b - c", Call("-", (Call("-", (A, B)), C))),
        ("(a + b) * c", Call("*", (Call("+", (A, B)), C))),
        ("a || b && c", Call("||", (A, Call("&&", (B, C))))),
        ("a < b == c", Call("==", (Call("<", (A, B)), C))),
        ("a in b", Call("in", (A, B))),
        ("a ? b : c ? a : b", Call("?:", (A, B, Call("?:", (C, A, B))))),
        ("!-a", Call("!", (A,))),
        ("a.b['c'][0]", Select(Select(field(A, "b"), Literal("'c'", "c")), Literal("0"))),
        ("size(a) + a.size()", Call("+", (Call("size", (A,)), Call("size", (A,))))),
        ("[a, b,]", Collection((A, B))),
        ("{a: b, 'c': 1.5e3}", Collection((A, B, Literal("'c'", "c"), Literal("1.5e3")))),
        ("a.map(x, x > b, x)", Macro("map", A, "x", (Call(">", (Name("x"), B)), Name("x")))),
        ("a.all(x, true) // [(", Macro("all", A, "x", (Literal("true"),))),
        ('r"\\" + b', Call("+", (Literal('r"\\"', "\\"), B))),
        ("'''it's''' + \"\\\"\"", Call("+", (Literal("'''it's'''", "it's"), Literal('"\\""', '\\"')))),
        ("0x1Fu", Literal("0x1Fu")),
    ],
)
def test_what_is_read(source: str, tree: Expr) -> None:
    assert parse(source) == tree


@pytest.mark.parametrize(
    "source",
    [
        *("", "a b", "a +", "(a", "[a", "a.", "a.1", "'open", "a ? b", "{a}", "a = b", "`a`", "in", "a # b"),
        *("a.?b", "a[?0]", "Foo{a: 1}", "a.map(1, b)", "a.map(x)", "a.all(x, y, z)", "a.map(x, b, c, a)"),
        *("a.transformList(i, v, v)", "a.sortBy(x, x)", "cel.bind(x, a, x)"),
        "(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1),
        "a" + ".b" * MAX_DEPTH,
        "+".join(["a"] * (MAX_DEPTH + 1)),
    ],
)
def test_what_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        parse(source)


def test_what_is_just_short_enough_is_read() -> None:
    parse("(" * (MAX_NESTING - 1) + "a" + ")" * (MAX_NESTING - 1))
    parse("a" + ".b" * (MAX_DEPTH - 1))
    assert sum(1 for _ in layers(parse("+".join(["a"] * MAX_DEPTH)))) == MAX_DEPTH
