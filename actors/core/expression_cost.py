"""How much work an expression may be, bounded from above before it runs: from its syntax and the sizes it meets. Pure.

The evaluator has no limit of its own, copies values wherever they are read, and builds the result of a `map` or
`filter` by copying it for every item, so that 10,000 items take seconds. So the work is counted first, in *units*:
about bytes that are moved, and one nanosecond each. Whatever is counted here is at least what happens there, as in
the cost estimation of cel-go (https://github.com/google/cel-go, `checker/cost.go`), but with the sizes of the actual
values in place of declared ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any, Final, assert_never

import msgspec
from msgspec import Raw

from .errors import ExpressionCost, ExpressionError
from .expression_syntax import Call, Collection, Expr, Literal, Macro, Name, Select

MAX_UNITS: Final = 200_000_000
"""Units of work in one evaluation: a fifth of a second or so."""
MAX_NESTING: Final = 200
"""Levels of nesting in the data that an expression reads."""
VALUE: Final = 128
"""Units of one value, beside its text and its items."""
_SMALL: Final = frozenset({"size", "contains", "startsWith", "endsWith", "has", "!", "-", "*", "/", "%"}) | frozenset(
    {"||", "&&", "<", "<=", ">", ">=", "==", "!=", "in", "int", "uint", "double", "timestamp", "duration"}
)
"""What gives a number, a boolean or the like, whatever it is given."""
_REPEAT: Final = re.compile(r"\{(\d*),?(\d*)\}")
_MAX_PATTERN: Final = 100_000
"""States of a regular expression; the evaluator's library refuses larger ones."""
_CONVERSION: Final = 8
"""Units to hand a unit over to the evaluator."""
MAX_VALUES_READ: Final = MAX_UNITS // (_CONVERSION * VALUE)
"""Values that an expression reads at most: more are too much work, whatever it does with them."""
_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_COMPILE: Final = 10_000
"""Units to compile a character of a regular expression."""
_CLASS: Final = 1_000_000
"""Units to compile a class such as `\\w`, which is thousands of ranges."""
_MAX_COMPILE: Final = 30_000_000


class Bound(msgspec.Struct, frozen=True, gc=False):
    """What a value may be at most.

    Attributes:
        size: units, its items included.
        width: items of any list or map in it.
        item: units of any of its own items or keys.
    """

    size: int
    width: int = 0
    item: int = 0

    def inner(self) -> Bound:
        """Return what any of its items may be."""
        return Bound(self.item, self.width, self.item)


_SCALAR: Final = Bound(VALUE)


def measure(value: Any, known: dict[int, Bound], depth: int = 0) -> Bound:
    """Return the exact bound of plain data.

    Args:
        value: as decoded from JSON.
        known: bounds of lists and maps by their `id`, to be used and added to.
        depth: how deep it is nested in what was asked for.

    Raises:
        ExpressionError: it is nested too deeply.
    """
    if not isinstance(value, dict | list):
        return Bound(_scalar(value))
    if (found := known.get(id(value))) is not None:
        return found
    if depth > MAX_NESTING:
        raise ExpressionError(f"an expression reads data nested deeper than {MAX_NESTING} levels")
    size, width, item = VALUE, len(value), 0
    for part in value if isinstance(value, list) else [*value, *value.values()]:
        if isinstance(part, dict | list):
            inner = measure(part, known, depth + 1)
            units, width = inner.size, max(width, inner.width)
        else:
            units = _scalar(part)
        size += units
        item = max(item, units)
    known[id(value)] = found = Bound(size, width, item)
    return found


def values_in(data: Raw) -> int:
    """Return how many values there are in JSON that was written without spaces, keys and itself included.

    It is told without decoding, which takes many times as long. Beyond MAX_VALUES_READ it stops counting.
    """
    found = _values(bytes(data))
    if found <= MAX_VALUES_READ:
        return found
    bare, texts = _TEXT.subn(b"0", bytes(data), MAX_VALUES_READ + 1)  # commas may stand in texts
    return texts if texts > MAX_VALUES_READ else _values(bare)


def _values(data: bytes) -> int:
    """Each value stands alone, behind a comma, behind the bracket that opens what it is in, or behind its key."""
    opened = data.count(b"[") - data.count(b"[]") + data.count(b"{") - data.count(b"{}")
    return 1 + data.count(b",") + opened + data.count(b":")


def _scalar(value: Any) -> int:
    return VALUE + len(value) * (1 if value.isascii() else 4) if isinstance(value, str) else VALUE


class Work:
    """The units of one evaluation, added up while the syntax tree is walked."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._measured: dict[int, Bound] = {}
        self._local: dict[str, Bound] = {}
        self._sizes = {name: measure(value, self._measured) for name, value in variables.items()}
        self.units = _CONVERSION * sum(bound.size for bound in self._sizes.values())

    def of(self, expr: Expr) -> Bound:
        """Return what `expr` comes to at most, and add its work."""
        match expr:
            case Literal():
                return self._made(Bound(VALUE + 4 * len(expr.source)))
            case Name():
                return self._made(self._local.get(expr.name) or self._sizes.get(expr.name, _SCALAR))
            case Select():
                return self._made(self._selected(expr))
            case Collection():
                items = [self.of(item) for item in expr.items]
                widest = max((item.width for item in items), default=0)
                largest = max((item.size for item in items), default=0)
                return self._made(Bound(VALUE + sum(i.size for i in items), max(len(items), widest), largest))
            case Call():
                return self._made(self._called(expr))
            case Macro():
                return self._made(self._comprehension(expr))
            case _:
                assert_never(expr)

    def _made(self, bound: Bound) -> Bound:
        self.units += bound.size
        return bound

    def _selected(self, expr: Select) -> Bound:
        known = self._known(expr)
        of, _ = self.of(expr.of), self.of(expr.key)
        return of.inner() if known is None else measure(known[0], self._measured)

    def _known(self, expr: Expr) -> tuple[Any] | None:
        """The very data that a path of constants leads to, if it is one."""
        match expr:
            case Name() if expr.name not in self._local and expr.name in self._variables:
                return (self._variables[expr.name],)
            case Select(of=of, key=Literal(text=str() as text)) if (found := self._known(of)) is not None:
                inside = found[0]
                return (inside[text],) if isinstance(inside, dict) and text in inside else None
            case _:
                return None

    def _called(self, expr: Call) -> Bound:
        given = [self.of(argument) for argument in expr.arguments]
        total = sum(bound.size for bound in given)
        widths = [bound.width for bound in given]
        item = max((bound.item for bound in given), default=0)
        self.units += total + VALUE
        if expr.function == "matches":
            self.units += _matching(expr, given)
            return _SCALAR
        if expr.function in _SMALL:
            return _SCALAR
        if expr.function == "?:":
            return Bound(max(b.size for b in given), max(widths), item)
        if expr.function == "+":
            return Bound(total, sum(widths), item)
        return Bound(8 * VALUE + 4 * total, sum(widths), max(item, total))

    def _comprehension(self, expr: Macro) -> Bound:
        range_ = self.of(expr.range_)
        known = self._known(expr.range_)
        count = len(known[0]) if known and isinstance(known[0], dict | list) else range_.width
        before, shadowed = self.units, self._local.get(expr.variable)
        self._local[expr.variable] = range_.inner()
        bodies = [self.of(body) for body in expr.bodies]
        if shadowed is None:
            del self._local[expr.variable]
        else:
            self._local[expr.variable] = shadowed
        once = self.units - before + range_.item + 2 * VALUE
        self.units = before + count * once
        if expr.name not in ("map", "filter"):
            return _SCALAR
        item, width = (bodies[-1].size, bodies[-1].width) if expr.name == "map" else (range_.item, range_.width)
        result = Bound(VALUE + count * max(item, VALUE), max(count, width), item)
        self.units += count * min(result.size, range_.size if expr.name == "filter" else result.size) // 2
        return result


def states_of(pattern: str) -> int:
    """Return how many states a regular expression has, at most: a search takes as much for each character."""
    return _states(pattern, _repeated(pattern))


def _states(pattern: str, repeated: int) -> int:
    return min(_MAX_PATTERN, (len(pattern) + 1) * repeated)


def _repeated(pattern: str) -> int:
    repeats = [max(int(low or 1), int(high or 1), 1) for low, high in _REPEAT.findall(pattern)]
    return min(_MAX_PATTERN, prod(min(n, _MAX_PATTERN) for n in repeats))


def _matching(expr: Call, given: list[Bound]) -> int:
    """The units of compiling a regular expression, and of running it over a text: states times characters."""
    pattern = expr.arguments[-1] if expr.arguments else None
    states = repeated = _MAX_PATTERN
    classes = 0
    if isinstance(pattern, Literal) and pattern.text is not None:
        repeated = _repeated(pattern.text)
        states = _states(pattern.text, repeated)
        classes = pattern.text.count("\\")
    return min(_MAX_COMPILE, states * _COMPILE + repeated * classes * _CLASS) + (given[0].size if given else 0) * states


def check_work(source: str, tree: Expr, variables: Mapping[str, Any]) -> int:
    """Return the units of evaluating `tree` with `variables`, at most.

    Raises:
        ExpressionCost: more than MAX_UNITS.
    """
    work = Work(variables)
    result = work.of(tree)
    units = work.units + 4 * result.size
    if units > MAX_UNITS:
        raise ExpressionCost(f"{source!r} would take up to {units:.1e} units of work, the limit is {MAX_UNITS:.0e}")
    return units
