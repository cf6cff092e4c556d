"""sessiond: a durable session runtime on actors.

Open a Runtime on a store, start sessions of a workflow in it, follow their events, steer them:

>>> async with Runtime.open("sqlite:///sessions.db") as runtime:  # doctest: +SKIP
...     session = await runtime.start(workflow, input={"topic": "tea"})
...     async for event in session.events():
...         print(event.seq, event.event)
"""

from .actors.context import NodeContext
from .actors.core.errors import NodeError, SessiondError, TerminalError
from .actors.core.node import NodeRegistry, node, tool
from .actors.core.user_code import Result
from .actors.handle import Session, SessionEnded
from .actors.http_policy import HttpPolicy
from .actors.runtime import Options, Runtime
from .actors.thread_runtime import ThreadRuntime, ThreadSession
from .actors.version import VERSION

__version__ = VERSION

__all__ = [
    "HttpPolicy",
    "NodeContext",
    "NodeError",
    "NodeRegistry",
    "Options",
    "Result",
    "Runtime",
    "Session",
    "SessionEnded",
    "SessiondError",
    "TerminalError",
    "ThreadRuntime",
    "ThreadSession",
    "__version__",
    "node",
    "tool",
]
