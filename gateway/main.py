"""The composition root: store, runtime and server put together, and taken down in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from ..actors.backoff import until_available
from ..actors.core.errors import Fault, InvalidInput, StoreUnavailable
from ..actors.core.node import NodeRegistry
from ..actors.core.workflow import Workflow
from ..actors.runtime import Runtime
from ..actors.tracing import Tracing
from .files import compile_workflow, read_workflow
from .logs import configure
from .node_modules import load_nodes
from .server import Server, serving
from .settings import Settings

logger = logging.getLogger("sessiond")

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


async def serve(
    settings: Settings, *, announce: Callable[[str], None] = print, stop: asyncio.Event | None = None
) -> None:
    """Serve until a SIGTERM or SIGINT, then drain; a second signal ends the process at once.

    Args:
        settings: how.
        announce: is told the address, in one line, when the server listens.
        stop: ends the server as a signal does; for those who embed it.

    Raises:
        InvalidInput, InvalidFile: settings, the store's URL, a node module or a workflow file are wrong.
        OSError: the address can't be had.
        Unavailable: the store doesn't answer, for `store_wait_s`.
        UnsafeStore: it may lose acknowledged data, and the settings rule that out.
    """
    settings.check_exposure()
    if settings.bares_tokens:
        logger.warning("tokens travel in the clear, unless a proxy terminates TLS; see tls_cert and tls_key")
    registry = load_nodes(settings.nodes)
    workflows = [compile_workflow(read_workflow(Path(path)), registry.types) for path in settings.workflows]
    stopping = stop or asyncio.Event()
    with _tracing(settings.traces) as tracing:
        await _serve(settings, registry, workflows, tracing, announce, stopping)


async def _serve(
    settings: Settings,
    registry: NodeRegistry,
    workflows: list[Workflow],
    tracing: Tracing | None,
    announce: Callable[[str], None],
    stopping: asyncio.Event,
) -> None:
    server = Server(settings)

    def opening() -> AbstractAsyncContextManager[Runtime]:
        return Runtime.open(settings.store, registry=registry, options=settings.options(), tracing=tracing)

    try:
        with _Signals(stopping, server.reload):
            async with AsyncExitStack() as stack:
                runtime = await _opened(lambda: stack.enter_async_context(opening()), server, settings, stopping)
                if runtime is None:
                    return
                for hazard in await asyncio.to_thread(runtime.store.hazards):
                    logger.warning("%s", hazard)
                for workflow in workflows:
                    await runtime.definitions.keep(workflow, listed=True)
                async with serving(runtime, settings, server):
                    announce(f"sessiond listens on {server.url}")
                    await stopping.wait()
                    logger.info("draining")
    finally:
        await server.close()


async def _opened(
    enter: Callable[[], Coroutine[Any, Any, Runtime]], server: Server, settings: Settings, stopping: asyncio.Event
) -> Runtime | None:
    """Open the runtime; while its store is away, listen, say so, and try again. None if told to stop meanwhile.

    Raises:
        StoreUnavailable: it stayed away for `store_wait_s`.
    """
    try:
        return await enter()
    except StoreUnavailable as error:
        if not settings.store_wait_s:
            raise
        why = error
    server.listen()
    logger.warning("not ready, on %s: the store is away: %s", server.url, why)
    coming = asyncio.ensure_future(until_available(enter))
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({coming, told}, timeout=settings.store_wait_s, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if coming.done():
        return coming.result()
    coming.cancel()
    await asyncio.wait({coming})
    if stopping.is_set():
        return None
    raise StoreUnavailable(f"the store stayed away for {settings.store_wait_s:g} s: {why}") from why


@contextmanager
def _tracing(traces: Literal["off", "console", "otlp"]) -> Iterator[Tracing | None]:
    """Yield what records spans; nothing of it is imported unless it is wanted.

    Raises:
        InvalidInput: what it needs isn't installed.
    """
    if traces == "off":
        yield None
        return
    try:
        from .otel import exporting
    except ImportError:
        raise InvalidInput([Fault("traces", "needs the extra sessiond[otel]")], "the settings") from None
    with exporting(traces) as tracing:
        yield tracing


def run(settings: Settings) -> None:
    """Serve on an event loop of its own, uvloop's where there is one; the log goes to stderr."""
    configure(settings.log_format, settings.log_level.upper())
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(settings, announce=lambda line: print(line, flush=True)))
    _leave_threads()


def _leave_threads() -> None:
    """End the process although nodes still block threads: Python itself would wait for them, maybe for ever."""
    blocked = [thread for thread in threading.enumerate() if thread.name.startswith("sessiond-node")]
    if blocked:
        logger.warning("%d nodes still block their threads; they run again at the next start", len(blocked))
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the fastest event loop here; None for the standard one."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


class _Signals:
    """While entered, the first signal sets an event, and the next does what the system does by default.

    A SIGHUP, where there is such a thing, has keys and the certificate read again.
    """

    def __init__(self, stopping: asyncio.Event, refresh: Callable[[], None]) -> None:
        self._stopping = stopping
        self._refresh = refresh
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> None:
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self._first)
        if sys.platform != "win32":
            self._loop.add_signal_handler(signal.SIGHUP, self._refresh)

    def __exit__(self, *_: object) -> None:
        self._restore()
        if sys.platform != "win32":
            self._loop.remove_signal_handler(signal.SIGHUP)

    def _first(self) -> None:
        self._stopping.set()
        self._restore()
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def _restore(self) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)


if __name__ == "__main__":
    run(Settings.read(os.environ))
