"""Stores as a version of sessiond left them: what is in them, how they are written, and how they are read back.

`python -m support.fixture v1`, from `tests/`, writes `fixtures/v1/` anew: for a new version only, never for an old one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from redis import Redis
from support.graphs import graph, registry
from support.redis_server import RedisServer
from support.watching import until

from sessiond import NodeRegistry, Runtime

FIXTURES = Path(__file__).parents[1] / "fixtures"
CHAIN = graph({"a": ["b"], "b": {"type": "held", "next_ids": ["c"]}, "c": []})
LOOP = graph(
    {
        "a": ["l"],
        "l": {"type": "loop", "next_ids": ["a", "r"], "properties": {"max_rounds": 2}},
        "r": {"type": "human_review", "properties": {"prompt": "Good?"}},
    }
)
ENDS: dict[str, str] = {
    "done": "completed",
    "stopped": "failed",
    "pending": "completed",
    "paused": "completed",
    "running": "completed",
    "review": "completed",
}
"""Each session, and how it ends once everything goes on."""


def types(go: asyncio.Event) -> NodeRegistry:
    made = registry()

    @made.node("held")
    async def held(context: Any) -> str:
        await context.emit("a word ")
        await go.wait()
        return "held"

    return made


async def write(url: str) -> None:
    """Bring the sessions to where the fixture leaves them."""
    async with Runtime.open(url, registry=types(asyncio.Event())) as runtime:
        done = await runtime.start(
            graph({"a": ["b"], "b": []}), session_id="done", input={"n": 1}, labels={"team": "x"}
        )
        await done.wait()
        await runtime.create(CHAIN, session_id="pending", start=False)
        for name in ("running", "paused", "stopped"):
            await until(await runtime.start(CHAIN, session_id=name), "token_stream")
        await runtime.session("paused").pause(reason="lunch", by="ann")
        await runtime.session("stopped").stop(reason="enough")
        await until(await runtime.start(LOOP, session_id="review"), "human_interaction_required")


def dump(client: Redis) -> list[dict[str, Any]]:
    """Everything in a Redis, as plain values."""

    def text(value: Any) -> Any:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, dict):
            return [[text(key), text(item)] for key, item in value.items()]
        return [text(item) for item in value] if isinstance(value, (list, tuple, set)) else value

    read: dict[Any, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    entries = []
    for key in sorted(client.scan_iter()):
        kind: Any = client.type(key)
        entries.append({"key": text(key), "type": kind.decode(), "value": text(read[kind](key))})
    return entries


def restore(client: Redis, entries: list[dict[str, Any]]) -> None:
    """Put everything back."""
    raw = base64.b64decode
    for entry in entries:
        key, value = raw(entry["key"]), entry["value"]
        match entry["type"]:
            case "string":
                client.set(key, raw(value))
            case "hash":
                client.hset(key, mapping={raw(field): raw(item) for field, item in value})
            case "set":
                client.sadd(key, *map(raw, value))
            case "zset":
                client.zadd(key, {raw(member): score for member, score in value})
            case "stream":
                for entry_id, fields in value:
                    client.xadd(key, {raw(field): raw(item) for field, item in fields}, id=raw(entry_id))


async def main(version: str) -> None:
    folder = FIXTURES / version
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        await write(f"sqlite:///{place}/s.db")
        with closing(sqlite3.connect(f"{place}/s.db")) as file:
            file.execute("VACUUM INTO ?", (str(folder / "sessions.sqlite"),))
        server = RedisServer(Path(place))
        server.start()
        await write(f"{server.url}?shards=2")
        with Redis(port=server.port) as client:
            lines = [json.dumps(entry) for entry in dump(client)]
        server.stop()
    (folder / "redis.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
