"""`${ … }` expressions: CEL, compiled once, bounded, and failing only with ExpressionError.

CEL (Common Expression Language) has no loops, no side effects and no way to the host's objects.
Two spellings are known here: a template, any string with `${ … }` in it, and a bare expression, as in
a loop's `until`. `$${` stands for a literal `${`. A string that is one `${ … }` and nothing else keeps the
value's type; otherwise values are put into the text, as JSON where they aren't text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from .errors import ExpressionError
from .expression_cost import check_work
from .expression_syntax import Macro, layers, parse
from .remembered import Remembered

NAMES: Final = frozenset({"input", "nodes", "upstream", "context", "round"})
MAX_SOURCE: Final = 2_048
"""Characters of one expression."""
MAX_MACROS: Final = 2
"""Comprehensions (map, filter, all, exists, exists_one) in one expression."""
MAX_TEXT: Final = 1_048_576
"""Characters of one interpolated text."""
MAX_REMEMBERED: Final = 4_096
"""Characters of a text that is remembered with what it was compiled to."""
MAX_CHARACTERS: Final = 1_048_576
"""Characters of all that are remembered: compiled they take a hundred times as many bytes."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_NODE = re.compile(r"""\bnodes\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])?""")
_OPEN = re.compile(r"\$?\$\{")

Values: TypeAlias = Mapping[str, Any]


class Scope(Protocol):
    """Where an expression finds its variables."""

    def variables(self, names: frozenset[str], nodes: frozenset[str] | None) -> dict[str, Any]:
        """Return plain data for `names`; of `nodes` only those listed, all if None."""
        ...

    def spend(self, source: str, units: int) -> None:
        """Count the work of an expression that is about to be evaluated.

        Raises:
            ExpressionCost: together with what was spent before it is too much.
        """
        ...


class Expression:
    """One compiled expression.

    Attributes:
        source: as written, without the `${ }` around it.
        names: the variables it reads.
    """

    __slots__ = ("_nodes", "_run", "_tree", "names", "source")

    def __init__(self, source: str) -> None:
        """Compile `source`.

        Raises:
            ExpressionError: it doesn't parse, reads an unknown variable, or is over a limit.
        """
        self.source = source.strip()
        if not self.source:
            raise ExpressionError("an expression is empty")
        if len(source) > MAX_SOURCE:  # as given: that is what is remembered
            raise ExpressionError(f"an expression has {len(source)} characters, the limit is {MAX_SOURCE}")
        self._tree = parse(self.source)
        if sum(isinstance(expr, Macro) for layer in layers(self._tree) for expr in layer) > MAX_MACROS:
            raise ExpressionError(f"an expression has more than {MAX_MACROS} comprehensions")
        self._run, self.names = _compile(self.source)
        self._nodes = _nodes_read(self.source) if "nodes" in self.names else frozenset[str]()

    def evaluate(self, scope: Scope) -> Any:
        """Return the value as plain data, maps in the order of their keys.

        Raises:
            ExpressionCost: it would be too much work, by itself or with the node's others; it isn't begun.
            ExpressionError: the evaluation failed.
        """
        variables = scope.variables(self.names, self._nodes)
        scope.spend(self.source, check_work(self.source, self._tree, variables))
        return _ordered(_guard(self.source, lambda: self._run(variables)))

    def truth(self, scope: Scope) -> bool:
        """Return the value, which must be a boolean.

        Raises:
            ExpressionError: the evaluation failed or gave something else.
        """
        value = self.evaluate(scope)
        if not isinstance(value, bool):
            raise ExpressionError(f"{self.source!r} gave {type(value).__name__}, a boolean is needed")
        return value


_compiled: Final = Remembered(Expression, MAX_CHARACTERS)


def expression(source: str) -> Expression:
    """Return a bare expression, or one in `${ }`, compiled.

    Raises:
        ExpressionError: see Expression.
    """
    text = source.strip()
    if text.startswith("${"):
        parts = list(_parts(text))
        if len(parts) != 1 or not isinstance(parts[0], Expression):
            raise ExpressionError(f"{source!r} should be one expression")
        return parts[0]
    return _compiled(text)


def is_template(text: str) -> bool:
    """Return whether `text` holds an expression or an escaped one."""
    return "${" in text


def template(text: str) -> Callable[[Scope], Any]:
    """Compile a string with `${ }` in it to a function of the scope, and remember it unless it is long.

    A prompt may have a megabyte: thousands of those, each of another graph, would be all the memory there is. Of a
    long one the expressions are remembered, which are short.

    Raises:
        ExpressionError: an expression in it is wrong, or a `${` isn't closed.
    """
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _template(text)


def _template(text: str) -> Callable[[Scope], Any]:
    parts = list(_parts(text))
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0].evaluate

    def interpolate(scope: Scope) -> str:
        pieces = [part if isinstance(part, str) else _text(part.evaluate(scope)) for part in parts]
        result = "".join(pieces)
        if len(result) > MAX_TEXT:
            raise ExpressionError(f"a text of {len(result)} characters is over the limit of {MAX_TEXT}")
        return result

    return interpolate


_remembered: Final = Remembered(_template, MAX_CHARACTERS)


def resolve(value: Any, scope: Scope) -> Any:
    """Return `value` with every template in it, at any depth, replaced by what it gives.

    Raises:
        ExpressionError: see Expression.evaluate.
    """
    if isinstance(value, str):
        return template(value)(scope) if "${" in value else value
    if isinstance(value, dict):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    return value


def expression_characters(text: str) -> int:
    """Return how many characters of a template are expressions, as far as they are closed: what compiling it takes."""
    found = 0
    with suppress(ExpressionError):  # what isn't closed isn't compiled
        for piece, is_expression in _pieces(text):
            found += len(piece) if is_expression else 0
    return found


def _parts(text: str) -> Iterator[str | Expression]:
    """Split a template into literal text and expressions."""
    for piece, is_expression in _pieces(text):
        yield _compiled(piece) if is_expression else piece


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Split a template into literal text and sources of expressions, and say which is which."""
    at = 0
    while match := _OPEN.search(text, at):
        if match.start() > at:
            yield text[at : match.start()], False
        if match.group() == "$${":
            yield "${", False
            at = match.end()
            continue
        close = _closing(text, match.end())
        yield text[match.end() : close], True
        at = close + 1
    if at < len(text) or not text:
        yield text[at:], False


def _closing(text: str, at: int) -> int:
    """Position of the `}` that closes an expression which began before `at`."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            literal = _STRING.match(text, at)
            if not literal:
                break
            at = literal.end()
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            if not depth:
                return at
            depth -= 1
        at += 1
    raise ExpressionError(f"a ${{ in {text[:60]!r} is not closed")


def _ordered(value: Any) -> Any:
    """The value with its maps sorted by key: the evaluator keeps no order, and equal input must give equal text."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _compile(source: str) -> tuple[Callable[[dict[str, Any]], Any], frozenset[str]]:
    import cel  # 0.2 s: only where a workflow has an expression

    def build() -> tuple[Callable[[dict[str, Any]], Any], frozenset[str]]:
        program = cel.compile(source)
        return program.execute, frozenset(program.variables()) & NAMES

    run, names = _guard(source, build)
    return run, names


def _nodes_read(source: str) -> frozenset[str] | None:
    """The nodes that an expression names statically, None where it may read any."""
    found = set()
    for match in _NODE.finditer(source):
        name = match[1] or match[2] or match[3]
        if name is None:
            return None
        found.add(name)
    return frozenset(found)


def _guard(source: str, call: Callable[[], Any]) -> Any:
    """Run `call`; whatever it raises becomes an ExpressionError."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit):
        raise
    except KeyError as error:
        raise ExpressionError(f"{source!r} reads {error.args[0]!r}, which isn't there") from None
    except BaseException as error:  # noqa: BLE001 - a Rust panic derives from BaseException
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ExpressionError(f"{source!r} failed: {first[0]}") from None
