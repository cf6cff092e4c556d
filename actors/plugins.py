"""What is found by entry point: stores by URL scheme, the writer, node types."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Final

from .core.errors import Fault, InvalidInput, UnsafeStore
from .core.node import NodeRegistry, default_registry
from .core.ports import Hazard, Store, WriterHost

NODE_PLUGINS: Final = "sessiond.nodes"

logger = logging.getLogger("sessiond.plugins")


def load_store(url: str) -> Store:
    """Open the store that `url` names, by the scheme's entry point in group `sessiond.stores`.

    Raises:
        InvalidInput: no store has that scheme.
    """
    scheme = url.partition(":")[0]
    found = entry_points(group="sessiond.stores", name=scheme)
    if not found:
        known = ", ".join(sorted(entry_points(group="sessiond.stores").names))
        raise InvalidInput([Fault("store", f"no store for {scheme!r}; known: {known}")], "the store URL")
    store: Store = next(iter(found)).load()(url)
    return store


def inspect_store(url: str) -> list[Hazard]:
    """Return what about a store may lose acknowledged data, without opening it if its kind allows.

    An entry point of group `sessiond.inspectors`, by the URL's scheme, is a function of the URL; a store
    without one is opened.

    Raises:
        InvalidInput: no store has that scheme.
        StoreError, Unavailable: it can't be reached.
    """
    found = entry_points(group="sessiond.inspectors", name=url.partition(":")[0])
    if found:
        hazards: list[Hazard] = next(iter(found)).load()(url)
        return hazards
    store = load_store(url)
    try:
        return store.hazards()
    finally:
        store.close()


def refuse_unsafe(store: Store) -> None:
    """Refuse a store whose settings may lose acknowledged data.

    Raises:
        UnsafeStore: with each reason.
    """
    if reasons := [str(hazard) for hazard in store.hazards() if hazard.unsafe]:
        raise UnsafeStore(reasons)


def load_writer() -> Callable[[WriterHost, Store], Any]:
    """Return the persistence actor's starter, from group `sessiond.writers`."""
    found = entry_points(group="sessiond.writers", name="default")
    starter: Callable[[WriterHost, Store], Any] = next(iter(found)).load()
    return starter


def load_node_plugins(registry: NodeRegistry, found: Iterable[EntryPoint] | None = None) -> list[Fault]:
    """Add the node types and tools of installed packages to `registry`, where it has none of that name.

    An entry point of group `sessiond.nodes` names a module (all that its package registered by `@node` and
    `@tool`), a NodeRegistry, or a function that is given a NodeRegistry to fill.

    Args:
        registry: what to add to.
        found: the entry points; by default those of the installed packages.

    Returns:
        What is wrong with each broken plug-in, by its name. It adds nothing; the others are loaded.
    """
    faults: list[Fault] = []
    for point in sorted(entry_points(group=NODE_PLUGINS) if found is None else found, key=lambda point: point.name):
        if point.name in registry.plugins:
            continue
        try:
            offered = _offered(point.load())
        except BaseException as error:
            logger.warning("the node plug-in %r (%s) is broken", point.name, point.value, exc_info=error)
            faults.append(Fault(point.name, f"{point.value}: {type(error).__name__}: {error}"))
            continue
        registry.plugins.add(point.name)
        for name in registry.add_missing(offered):
            logger.warning("%r of the node plug-in %r is left out: there is another of that name", name, point.name)
    return faults


def _offered(thing: Any) -> NodeRegistry:
    """What a plug-in brings."""
    match thing:
        case NodeRegistry():
            return thing
        case ModuleType():
            return default_registry.of_package(thing.__name__.partition(".")[0])
        case _ if callable(thing):
            offered = NodeRegistry()
            thing(offered)
            return offered
        case _:
            raise TypeError(f"should be a module, a NodeRegistry or a function of one, not {type(thing).__name__}")
