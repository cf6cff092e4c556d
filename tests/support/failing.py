"""Creates sessions over a store whose system calls fail: `python failing.py runtime|store URL COUNT`; prints outcomes.

In a runtime: after an outcome other than `ok` it waits for the store, and gives up after a broken one, asked thrice.
On a store: it repeats each commit until it is stored.
"""

from __future__ import annotations

import asyncio
import sys

from support.graphs import graph, registry
from support.stores import Owner, row, segment

from sessiond import Runtime
from sessiond.actors.core.errors import SessiondError, StoreBroken
from sessiond.actors.core.ports import Commit
from sessiond.persistence.sqlite import open_store


async def main(url: str, count: int) -> None:
    async with Runtime.open(url, registry=registry()) as runtime:
        number = broken = 0
        while number < count and broken < 3:
            names = [f"s{number + at}" for at in range(3)]
            number += 3
            creations = [runtime.create(graph({"a": []}), session_id=name, start=False) for name in names]
            for name, outcome in zip(names, await asyncio.gather(*creations, return_exceptions=True), strict=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, SessiondError):
                    raise outcome
                print(name, "ok" if not isinstance(outcome, SessiondError) else type(outcome).__name__, flush=True)
            while (trouble := runtime.writer.trouble) is not None:
                if isinstance(trouble, StoreBroken):
                    broken += 1
                    break
                await asyncio.sleep(0)


def commit(url: str, count: int) -> None:
    store = open_store(url)
    owner = Owner(store)
    for number in range(count):
        name = f"s{number}"
        while (answer := owner.try_commit(Commit(name, segment(1), row(name)))) is not None:
            print(name, type(answer).__name__, flush=True)
        print(name, "ok", flush=True)
    store.close()


if __name__ == "__main__":
    if sys.argv[1] == "store":
        commit(sys.argv[2], int(sys.argv[3]))
    else:
        asyncio.run(main(sys.argv[2], int(sys.argv[3])))
