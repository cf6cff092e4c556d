"""The composition root inside a host's own event loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from support.graphs import graph

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.client import Client
from sessiond.gateway.files import InvalidFile
from sessiond.gateway.main import serve
from sessiond.gateway.settings import Settings

END = graph({"e": {"type": "end"}})


async def test_serve_registers_workflow_files_tells_its_address_and_ends_when_told(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.yaml"
    one.write_text(json.dumps(END | {"workflow_id": "first"}))
    nameless = {key: value for key, value in END.items() if key != "workflow_id"}
    two.write_text(yaml.safe_dump(nameless))
    told: asyncio.Queue[str] = asyncio.Queue()
    stop = asyncio.Event()
    settings = Settings(store="memory://", port=0, workflows=(str(one), str(two)))
    serving = asyncio.ensure_future(serve(settings, announce=told.put_nowait, stop=stop))
    line = await told.get()
    assert line.startswith("sessiond listens on http://127.0.0.1:")
    async with Client(line.split()[-1]) as client:
        for workflow_id in ("first", "two"):
            started = await client.execute(workflow_id)
            events = [record.event async for record in client.watch(started.session_id)]
            assert events[-1] == "execution:completed"
    stop.set()
    await serving


@pytest.mark.parametrize("text", ["{", "a: [", "\x00"])
async def test_a_file_that_is_neither_json_nor_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InvalidFile, match=r"bad\.json"):
        await serve(Settings(store="memory://", port=0, workflows=(str(path),)))


async def test_what_cannot_be_served_is_told_before_anything_listens(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text(json.dumps(graph({"a": {"type": "unheard"}})))
    with pytest.raises(InvalidFile, match="unheard"):
        await serve(Settings(store="memory://", port=0, workflows=(str(path),)))
    with pytest.raises(InvalidInput, match="no authentication"):
        await serve(Settings(store="memory://", host="0.0.0.0"))
    with pytest.raises(InvalidInput, match="no store"):
        await serve(Settings(store="carrier-pigeon://"))
    with pytest.raises(OSError, match="assign"):
        await serve(Settings(store="memory://", host="203.0.113.1", allow_anonymous=True))
