"""The syntax of CEL as far as the work of an expression has to be known before it runs. Pure.

A second parser beside the evaluator's own, which gives nothing away of what it parsed. It accepts less: optional
syntax, messages, quoted names and comprehensions over two variables are refused, since their work isn't known here.
Grammar: the CEL specification, https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn, TypeAlias, assert_never

import msgspec

from .errors import ExpressionError

MAX_NESTING: Final = 40
"""Levels of brackets and conditionals."""
MAX_DEPTH: Final = 100
"""Levels of the tree: a chain of operators or of selections is as deep as it is long."""
MACROS: Final = frozenset({"map", "filter", "all", "exists", "exists_one"})
_UNKNOWN_MACROS: Final = frozenset(
    {"transformList", "transformMap", "transformMapEntry", "sortBy", "existsOne", "bind", "block", "fold", "reduce"}
)
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<raw>[bB]?[rR](?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\n]*"|'[^'\n]*'))
    |(?P<text>[bB]?(?:\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||<=|>=|==|!=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE,
)
_BINDING: Final = {"||": 0, "&&": 1, "+": 3, "-": 3, "*": 4, "/": 4, "%": 4} | dict.fromkeys(
    ("<", "<=", ">", ">=", "==", "!=", "in"), 2
)
"""How tightly each binary operator binds."""


class Literal(msgspec.Struct, frozen=True):
    """A constant; `text` of a string, as written between its quotes, None of anything else."""

    source: str
    text: str | None = None


class Name(msgspec.Struct, frozen=True):
    """A variable."""

    name: str


class Select(msgspec.Struct, frozen=True):
    """`of.key` or `of[key]`."""

    of: Expr
    key: Expr


class Call(msgspec.Struct, frozen=True):
    """A function, a method (its object is the first argument) or an operator (by its sign)."""

    function: str
    arguments: tuple[Expr, ...]


class Collection(msgspec.Struct, frozen=True):
    """A list, or the keys and values of a map in turn."""

    items: tuple[Expr, ...]


class Macro(msgspec.Struct, frozen=True):
    """A comprehension over `range_`; its bodies see `variable`."""

    name: str
    range_: Expr
    variable: str
    bodies: tuple[Expr, ...]


Expr: TypeAlias = Literal | Name | Select | Call | Collection | Macro


def parse(source: str) -> Expr:
    """Parse an expression.

    Raises:
        ExpressionError: it isn't CEL, or of a kind whose work isn't known.
    """
    return _Parser(source).whole()


def layers(tree: Expr) -> Iterator[list[Expr]]:
    """Yield the levels of a tree, the root's first."""
    layer = [tree]
    while layer:
        yield layer
        layer = [inner for expr in layer for inner in _inner(expr)]


def _inner(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Literal() | Name():
            return ()
        case Select():
            return (expr.of, expr.key)
        case Call():
            return expr.arguments
        case Collection():
            return expr.items
        case Macro():
            return (expr.range_, *expr.bodies)
        case _:
            assert_never(expr)


class _Parser:
    """Recursive descent with precedence climbing for binary operators (M. Richards, 1979)."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._depth = 0
        self._at = 0
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(source):
            found = _TOKEN.match(source, position)
            if found is None:
                self._refuse(f"{source[position]!r} isn't expected at {position}")
            position = found.end()
            if found.lastgroup and found.lastgroup != "space":
                self._tokens.append((found.lastgroup, found.group()))
        self._tokens.append(("end", ""))

    def whole(self) -> Expr:
        found = self._expression()
        if self._tokens[self._at][0] != "end":
            self._refuse(f"{self._tokens[self._at][1]!r} isn't expected")
        if sum(1 for _ in layers(found)) > MAX_DEPTH:
            self._refuse(f"a chain of more than {MAX_DEPTH} operators")
        return found

    def _refuse(self, why: str) -> NoReturn:
        raise ExpressionError(f"{self._source!r} failed: {why}")

    def _next(self) -> str:
        """The sign or word that comes next, empty if a literal does."""
        kind, text = self._tokens[self._at]
        return text if kind in ("sign", "name") else ""

    def _take(self, *signs: str) -> str:
        """Take the next token if it is one of those."""
        found = self._next()
        if found not in signs or not found:
            return ""
        self._at += 1
        return found

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._refuse(f"{sign!r} is expected, not {self._tokens[self._at][1]!r}")

    def _expression(self) -> Expr:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._refuse(f"nested deeper than {MAX_NESTING} levels")
        found = self._binary(0)
        if self._take("?"):
            first = self._binary(0)
            self._need(":")
            found = Call("?:", (found, first, self._expression()))
        self._depth -= 1
        return found

    def _binary(self, loosest: int) -> Expr:
        found = self._unary()
        while (binding := _BINDING.get(self._next(), -1)) >= loosest:
            sign = self._take(self._next())
            found = Call(sign, (found, self._binary(binding + 1)))
        return found

    def _unary(self) -> Expr:
        signs = 0
        while self._take("!", "-"):
            signs += 1
        found = self._member()
        return Call("!", (found,)) if signs else found

    def _member(self) -> Expr:
        found = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                found = self._method(found, name) if self._take("(") else Select(found, Literal(name, name))
            elif self._take("["):
                found = Select(found, self._expression())
                self._need("]")
            else:
                return found

    def _method(self, of: Expr, name: str) -> Expr:
        arguments = self._until(")")
        if name in _UNKNOWN_MACROS:
            self._refuse(f"{name!r} isn't known here")
        if name not in MACROS:
            return Call(name, (of, *arguments))
        if not isinstance(arguments[0] if arguments else None, Name):
            self._refuse(f"the first argument of {name!r} should be a variable")
        variable, *bodies = arguments
        if not 1 <= len(bodies) <= (2 if name == "map" else 1):
            self._refuse(f"{name!r} has {len(arguments)} arguments")
        assert isinstance(variable, Name)
        return Macro(name, of, variable.name, tuple(bodies))

    def _primary(self) -> Expr:
        kind, text = self._tokens[self._at]
        if kind in ("number", "text", "raw"):
            self._at += 1
            return Literal(text, _content(text) if kind != "number" else None)
        if self._take("("):
            found = self._expression()
            self._need(")")
            return found
        if self._take("["):
            return Collection(tuple(self._until("]")))
        if self._take("{"):
            return Collection(tuple(self._pairs()))
        self._take(".")
        name = self._name()
        if name in ("true", "false", "null"):
            return Literal(name)
        return Call(name, tuple(self._until(")"))) if self._take("(") else Name(name)

    def _name(self) -> str:
        kind, text = self._tokens[self._at]
        if kind != "name" or text == "in":
            self._refuse(f"a name is expected, not {text!r}")
        self._at += 1
        return text

    def _until(self, close: str) -> list[Expr]:
        items: list[Expr] = []
        while not self._take(close):
            items.append(self._expression())
            if not self._take(","):
                self._need(close)
                break
        return items

    def _pairs(self) -> list[Expr]:
        items: list[Expr] = []
        while not self._take("}"):
            items.append(self._expression())
            self._need(":")
            items.append(self._expression())
            if not self._take(","):
                self._need("}")
                break
        return items


def _content(text: str) -> str:
    """What stands between a string's quotes."""
    body = text.lstrip("bBrR")
    quote = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    return body[quote:-quote]
