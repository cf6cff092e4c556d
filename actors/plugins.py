"""What is found by entry point: stores by URL scheme, the writer, node types."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from .errors import Fault, InvalidInput
from .ports import Store, WriterHost


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


def load_writer() -> Callable[[WriterHost, Store], Any]:
    """Return the persistence actor's starter, from group `sessiond.writers`."""
    found = entry_points(group="sessiond.writers", name="default")
    starter: Callable[[WriterHost, Store], Any] = next(iter(found)).load()
    return starter
