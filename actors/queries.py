"""What a session is told besides commands: to begin, questions, and the leave to go."""

from __future__ import annotations

from .core.messages import Create
from .core.workflow import Workflow
from .dispatch.mailbox import Control


class Begin:
    """Creates the session, to run this workflow.

    Who had the actor made may have left, and another creation of the same id may come in its place: so the workflow
    comes with the creation that is carried out.
    """

    __slots__ = ("create", "workflow")

    def __init__(self, workflow: Workflow, create: Create) -> None:
        self.workflow = workflow
        self.create = create


class Describe(Control):
    """Asks for the session's detail, as far as it is durable."""

    __slots__ = ()


class AwaitEnd(Control):
    """Asks for the session's detail once it has ended."""

    __slots__ = ()


class AwaitQuiet(Control):
    """Asks to be answered once nothing of the session works: it is paused and quiet, or has ended."""

    __slots__ = ()


class NoLongerAwaited:
    """Whoever asked this has left: nobody need be told."""

    __slots__ = ("question",)

    def __init__(self, question: AwaitEnd | AwaitQuiet) -> None:
        self.question = question


class AwaitStored:
    """Asks to be answered once all that was reported before is stored; waits its turn among reports."""

    __slots__ = ()


class Passivate:
    """Asks a session to leave memory if nothing happened since it was last asked; the answer is whether it does."""

    __slots__ = ()
