"""What a user's function, generator or class says about itself as a node."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest

from sessiond import NodeError, NodeRegistry, Result
from sessiond.actors.core.json import MAX_OUTPUT
from sessiond.actors.core.node import Anything
from sessiond.actors.core.user_code import Pieces, UserCode


class Size(msgspec.Struct, frozen=True):
    width: int


class Forward(msgspec.Struct):
    later: NotToBeFound  # type: ignore[name-defined]  # noqa: F821


class Unschematic(msgspec.Struct):
    lock: threading.Lock


def plain(context: Any) -> None:
    """A plain one."""


async def coroutine(context: Any) -> None: ...


def generator(context: Any) -> Iterator[str]:
    yield ""


async def streaming(context: Any) -> AsyncIterator[str]:
    yield ""


def typed(context: Any, properties: Size) -> int:
    return properties.width


def loose(context: Any, properties: dict[str, Any]) -> Any:
    return properties


def unannotated(context, properties):  # type: ignore[no-untyped-def]
    return properties


def optional(context: Any, n: int = 3) -> int:
    return n


class Annotated:
    properties: Size

    def run(self, context: Any) -> int:
        return self.properties.width


class Attribute:
    properties = Size

    async def run(self, context: Any, properties: Any) -> int:
        return int(properties.width)


class Instance:
    async def __call__(self, context: Any) -> None: ...


@pytest.mark.parametrize(
    ("target", "runs_in", "properties"),
    [
        (plain, "thread", None),
        (coroutine, "loop", None),
        (generator, "thread", None),
        (streaming, "loop", None),
        (typed, "thread", Size),
        (loose, "thread", None),
        (unannotated, "thread", None),
        (optional, "thread", None),
        (Annotated, "thread", Size),
        (Attribute, "loop", Size),
        (Instance(), "loop", None),
        (functools.partial(optional, n=1), "thread", None),
        (functools.partial(coroutine), "loop", None),
        (lambda _: 1, "thread", None),
    ],
)
def test_it_says_where_it_runs_and_what_it_takes(
    target: Callable[..., Any], runs_in: str, properties: type[msgspec.Struct] | None
) -> None:
    code = UserCode(target)
    assert (code.runs_in, code.properties) == (runs_in, properties)


def test_calls_pass_what_is_asked_for() -> None:
    size = Size(4)
    assert UserCode(typed).call(None, size) == 4
    assert UserCode(loose).call(None, {"a": 1}) == {"a": 1}
    assert UserCode(optional).call(None, size) == 3
    assert UserCode(Annotated).call(None, size) == 4
    assert UserCode(plain, Size).call(None, size) is None


def test_a_class_is_constructed_for_each_attempt() -> None:
    class Own:
        def __init__(self) -> None:
            self.calls = 0

        def run(self, context: Any) -> int:
            self.calls += 1
            return self.calls

    code = UserCode(Own)
    assert (code.call(None, None), code.call(None, None)) == (1, 1)


def test_a_type_of_an_enclosing_function_is_found() -> None:
    class Local(msgspec.Struct):
        n: int

    def body(context: Any, properties: Local) -> int:
        return Local(properties.n).n

    assert UserCode(body).properties is Local


def nothing() -> None: ...


def three(a: Any, b: Any, c: Any) -> None: ...


def wrong_kind(context: Any, properties: int) -> None: ...


def unknown_kind(context: Any, properties: NotToBeFound) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Idle:
    """Has no run."""


@pytest.mark.parametrize(
    ("target", "settings", "says"),
    [
        (nothing, {}, "nothing should take \\(context\\) or \\(context, properties\\)"),
        (three, {}, "three should take"),
        (wrong_kind, {}, "should be a msgspec.Struct"),
        (unknown_kind, {}, "NotToBeFound.*name the type by properties="),
        (Idle, {}, "Idle has no method run"),
        (plain, {"properties": Unschematic}, "no JSON Schema"),
        (plain, {"properties": Forward}, "no JSON Schema: name 'NotToBeFound'"),
        (coroutine, {"runs_in": "thread"}, "async: it runs in the loop, not in a thread"),
        (streaming, {"runs_in": "process"}, "async"),
        (generator, {"runs_in": "process"}, "generator"),
        (generator, {"runs_in": "loop"}, "generator"),
        (lambda _: 1, {"runs_in": "process"}, "top of a module"),
        (functools.partial(plain), {"runs_in": "process"}, "top of a module"),
    ],
)
def test_what_can_not_be_a_node_is_refused_where_it_is_written(target: Any, settings: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        NodeRegistry().node("n", **settings)(target)


def test_the_engines_own_names_are_taken() -> None:
    with pytest.raises(ValueError, match="'loop' is a node type of the engine's own"):
        NodeRegistry().node("loop")


def test_the_registered_type_describes_itself() -> None:
    types = NodeRegistry()
    assert types.node("plain")(plain) is plain
    types.node("typed")(typed)
    assert types.types["plain"].doc == "A plain one."
    assert types.types["plain"].properties is Anything
    assert types.types["typed"].properties is Size


def test_pieces_come_to_their_text_or_to_the_result() -> None:
    text = Pieces()
    assert [text.take("a"), text.take("b")] == ["a", "b"]
    assert text.output() == {"text": "ab"}
    assert Pieces().output() == {"text": ""}
    result = Pieces()
    result.take("a")
    assert result.take(Result(None)) is None
    assert result.output() is None


def test_pieces_of_another_kind_or_after_the_result_are_refused() -> None:
    pieces = Pieces()
    with pytest.raises(NodeError, match="not int") as caught:
        pieces.take(1)
    assert caught.value.node_code == "yield_invalid"
    pieces.take(Result(1))
    with pytest.raises(NodeError, match="after its Result"):
        pieces.take("more")


def test_a_long_text_needs_a_result_and_is_not_kept() -> None:
    pieces = Pieces()
    pieces.take("x" * MAX_OUTPUT)
    pieces.take("y")
    with pytest.raises(NodeError, match="end with a short Result") as caught:
        pieces.output()
    assert caught.value.node_code == "output_too_large"
    pieces.take(Result(7))
    assert pieces.output() == 7
