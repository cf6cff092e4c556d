"""Human reviews, asked in the terminal one at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from ..actors.core.errors import Conflict, InvalidInput

ACTIONS: Final[Mapping[str, str]] = {"a": "approve", "r": "reject", "m": "modify"}
Submit: TypeAlias = Callable[[str, str, Any], Awaitable[Any]]
"""Answers a review: node id, action, data."""


class Voice(Protocol):
    """How the desk talks to a person."""

    def tell(self, text: str) -> None:
        """Show a line."""
        ...

    async def ask(self, question: str) -> str:
        """Show a question and return the line that was typed.

        Raises:
            EOFError: nobody will answer.
        """
        ...


class Review(msgspec.Struct, frozen=True):
    """What may be answered: of the data of `human_interaction_required`, and the node that asks."""

    node_id: str
    actions: tuple[str, ...]
    schema: Any = None

    @classmethod
    def of(cls, node_id: str, data: Mapping[str, Any]) -> Review:
        """Return what an event asks."""
        return cls(node_id, tuple(data["actions"]), data.get("schema"))


async def hold_review(review: Review, voice: Voice, submit: Submit) -> None:
    """Ask until an answer is accepted, or the wait is over for another reason; the prompt has been shown.

    Raises:
        EOFError: nobody will answer.
    """
    offered = {key: action for key, action in ACTIONS.items() if action in review.actions}
    question = f"{review.node_id}: " + ", ".join(f"({key}){action[1:]}" for key, action in offered.items())
    while True:
        typed = (await voice.ask(f"{question}? ")).lower()
        action = offered.get(typed) or next((a for a in offered.values() if a == typed), None)
        if action is None:
            voice.tell(f"please type {', '.join(offered)}, or the whole word")
            continue
        data = await _ask_data(review, voice) if action == "modify" else None
        try:
            await submit(review.node_id, action, data)
        except InvalidInput as error:
            for fault in error.faults:
                voice.tell(f"{fault.path}: {fault.message}")
            continue
        except Conflict:  # somebody else was faster, or the session ended
            pass
        return


async def _ask_data(review: Review, voice: Voice) -> Any:
    """JSON if it is JSON, else text."""
    if review.schema is not None:
        voice.tell(f"the answer should fit {json.dumps(review.schema)}")
    return read_value(await voice.ask("with what (JSON or text)? "))


def read_value(text: str) -> Any:
    """Return `text` as JSON if it is JSON, else as it is."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
