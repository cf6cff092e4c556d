"""Creates sessions over a store whose system calls fail: `python failing.py URL COUNT`; prints each outcome.

After an outcome other than `ok` it waits for the store, and gives up after a broken one, which is asked thrice.
"""

from __future__ import annotations

import asyncio
import sys

from support.graphs import graph, registry

from sessiond import Runtime
from sessiond.actors.errors import SessiondError, StoreBroken


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


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
