"""Actors that tests of the dispatcher share."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import msgspec

from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Control


class Recorder(LoopActor):
    """Notes everything that happens to it."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def on_start(self) -> None:
        self.log.append("start")

    def on_receive(self, message: object) -> object:
        self.log.append(message)
        if isinstance(message, BaseException):
            raise message
        return message

    def on_stop(self) -> None:
        self.log.append("stop")

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.log.append(("failure", exception_type, traceback is not None))


class Echo(LoopActor):
    def on_receive(self, message: object) -> object:
        return message


class Urgent(msgspec.Struct, Control, frozen=True):
    name: str
