"""A user's own function, generator or class, made callable as a node.

What it is decides how it runs: an async one on the event loop, a plain one on a thread, unless it says `runs_in`.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET

from .errors import NodeError
from .json import MAX_OUTPUT

if TYPE_CHECKING:
    from ..context import NodeContext, ThreadContext

RunsIn = Literal["loop", "thread", "process"]


class Result(msgspec.Struct, frozen=True):
    """What a generator yields last, if its output isn't just the text that it yielded."""

    value: Any


class Pieces:
    """What a generator has yielded: pieces of text, and maybe a Result at the end."""

    __slots__ = ("_parts", "_result", "_size")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._result: Any = UNSET

    def take(self, piece: Any) -> str | None:
        """Keep what was yielded and return it if it is text to be streamed.

        Raises:
            NodeError: `yield_invalid`: it is neither text nor a Result, or something follows the Result.
        """
        if self._result is not UNSET:
            raise NodeError("the node yielded something after its Result", "yield_invalid")
        if isinstance(piece, Result):
            self._result = piece.value
            return None
        if not isinstance(piece, str):
            kind = type(piece).__name__
            raise NodeError(f"a node yields text, and maybe a Result at the end, not {kind}", "yield_invalid")
        self._size += len(piece)
        if self._size <= MAX_OUTPUT:  # beyond, only a Result can be the output
            self._parts.append(piece)
        return piece

    def output(self) -> Any:
        """Return the Result's value, or `{"text": …}` of everything.

        Raises:
            NodeError: `output_too_large`: there is no Result and too much text.
        """
        if self._result is not UNSET:
            return self._result
        if self._size > MAX_OUTPUT:
            message = f"the node yielded {self._size} characters, the limit is {MAX_OUTPUT}; end with a short Result"
            raise NodeError(message, "output_too_large")
        return {"text": "".join(self._parts)}


class UserCode:
    """Something of a user's that runs once per attempt.

    Args:
        target: a function of `(context)` or `(context, properties)`, a generator function that yields text, or a
            class whose `run` is one of these; a class is constructed for each attempt.
        properties: the struct type of the properties; by default that which the target's annotations name.
        runs_in: `loop`, `thread` or `process`; by default `loop` for async code and `thread` for all other.

    Attributes:
        properties: the struct type of its properties, None if it named none.
        runs_in: where it runs.
        doc: its docstring.

    Raises:
        TypeError: it can't be a node, or can't run there.
    """

    def __init__(
        self, target: Callable[..., Any], properties: type[msgspec.Struct] | None = None, runs_in: RunsIn | None = None
    ) -> None:
        self.target = target
        self.doc = inspect.getdoc(target) or ""
        self._name = getattr(target, "__qualname__", repr(target))
        self._is_class = inspect.isclass(target)
        body = self._body()
        self._streams = inspect.isasyncgenfunction(body) or inspect.isgeneratorfunction(body)
        self._is_async = inspect.isasyncgenfunction(body) or inspect.iscoroutinefunction(body)
        second = self._second_parameter(body)
        self._takes_properties = second is not None
        self.properties = properties or self._of_annotations(body, second)
        self.runs_in: RunsIn = runs_in or ("loop" if self._is_async else "thread")
        self._check()

    def _body(self) -> Callable[..., Any]:
        if not self._is_class:
            plain = inspect.isroutine(self.target) or isinstance(self.target, functools.partial)
            return self.target if plain else self.target.__call__  # type: ignore[operator]
        run = getattr(self.target, "run", None)
        if not callable(run):
            raise TypeError(f"node class {self._name} has no method run")
        body: Callable[..., Any] = run
        return body

    def _second_parameter(self, body: Callable[..., Any]) -> inspect.Parameter | None:
        try:
            signature = inspect.signature(body)
        except ValueError:  # some functions written in C don't say
            return None
        known = [p for p in signature.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        starred = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
        if self._is_class:
            known = known[1:]
        required = sum(p.default is p.empty for p in known)
        if required > 2 or not (known or starred):
            raise TypeError(f"node {self._name} should take (context) or (context, properties)")
        return known[1] if required == 2 else None

    def _of_annotations(
        self, body: Callable[..., Any], second: inspect.Parameter | None
    ) -> type[msgspec.Struct] | None:
        if second is not None and second.annotation is not second.empty:
            found = self._struct(second.annotation, body)
            if found is not None:
                return found
        if self._is_class:
            annotation = inspect.get_annotations(self.target).get("properties")
            annotation = annotation if annotation is not None else getattr(self.target, "properties", None)
            if annotation is not None:
                return self._struct(annotation, body)
        return None

    def _struct(self, annotation: Any, body: Callable[..., Any]) -> type[msgspec.Struct] | None:
        """The struct type that an annotation, maybe a string, names; None for plain dictionaries."""
        function = inspect.unwrap(body)
        names = getattr(function, "__globals__", {})
        holder = types.SimpleNamespace(__annotations__={"properties": annotation})
        try:
            near = inspect.getclosurevars(function).nonlocals
            found = typing.get_type_hints(holder, names, dict(near))["properties"]
        except (NameError, TypeError) as error:
            raise TypeError(f"the properties of node {self._name}: {error}; name the type by properties=…") from None
        if found is Any or typing.get_origin(found) is dict or found is dict:
            return None
        if isinstance(found, type) and issubclass(found, msgspec.Struct):
            return found
        raise TypeError(f"the properties of node {self._name} should be a msgspec.Struct, not {annotation!r}")

    def _check(self) -> None:
        if self.properties is not None:
            try:
                msgspec.json.schema(self.properties)
            except (TypeError, NameError, AttributeError) as error:
                raise TypeError(f"the properties of node {self._name} have no JSON Schema: {error}") from None
        if self._is_async and self.runs_in != "loop":
            raise TypeError(f"node {self._name} is async: it runs in the loop, not in a {self.runs_in}")
        if self._streams and not self._is_async and self.runs_in != "thread":
            raise TypeError(f"node {self._name} is a generator: it runs in a thread, or in the loop if it is async")
        if self.runs_in == "process":
            for part in (self.target, self.properties):
                if "<" in getattr(part, "__qualname__", "" if part is None else "<"):
                    raise TypeError(f"node {self._name} runs in a process: {part!r} should be at the top of a module")

    async def run(self, context: NodeContext, properties: Any) -> Any:
        """Run one attempt where it belongs and return its output."""
        match self.runs_in:
            case "thread":
                output = await context.in_thread(self._in_thread, context, properties)
                return await output if inspect.isawaitable(output) else output
            case "process":
                return await context.in_process(self.target, self.properties)
            case "loop" if self._streams:
                return await self._stream(context, properties)
            case "loop":
                output = self.call(context, properties)
                return await output if inspect.isawaitable(output) else output
            case _:
                typing.assert_never(self.runs_in)

    def call(self, context: Any, properties: Any) -> Any:
        """Call the target; a class is constructed and its `run` called."""
        given = (context, properties) if self._takes_properties else (context,)
        if not self._is_class:
            return self.target(*given)
        made = self.target()
        if not self._takes_properties and self.properties is not None:
            made.properties = properties
        return made.run(*given)

    async def _stream(self, context: NodeContext, properties: Any) -> Any:
        pieces = Pieces()
        async with aclosing(self.call(context, properties)) as source:
            async for piece in source:
                await context.checkpoint()
                if (text := pieces.take(piece)) is not None:
                    await context.emit(text)
        return pieces.output()

    def _in_thread(self, context: ThreadContext, properties: Any) -> Any:
        if not self._streams:
            return self.call(context, properties)
        pieces = Pieces()
        with closing(self.call(context, properties)) as source:
            for piece in source:
                context.checkpoint()
                if (text := pieces.take(piece)) is not None:
                    context.emit(text)
        return pieces.output()
