"""The examples of docs/agents.md run as they stand, against a real endpoint."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import yaml
from support.llm_server import LLMServer, calls, ends, says

from sessiond.actors.core.node import NodeRegistry
from sessiond.actors.core.parse import parse
from sessiond.actors.nodes import register_builtin

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def example(language: str) -> str:
    """The only block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert isinstance(found, str)
    return found


def test_the_workflow_is_valid() -> None:
    types = NodeRegistry()
    register_builtin(types)
    assert set(parse(yaml.safe_load(example("yaml")), types.types).nodes) == {"advise", "judge"}


async def test_the_program_runs(llm: LLMServer, tmp_path: Path) -> None:
    (tmp_path / "council.yaml").write_text(example("yaml"))
    llm.reply(calls(0, "weather", '{"city": "Nelson"}', "c1"), ends("tool_calls"))
    llm.reply(says("Take ", "cake."), ends())
    llm.reply(says('{"sound": true}'), ends())
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example("python"),
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": llm.url},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    assert printed.decode() == "Take cake.{\"sound\": true}{'sound': True}\n"
    asked = [seen.body["messages"][-1]["content"] for seen in llm.seen]
    assert asked == ["Advise on a picnic, briefly.", '{"Nelson":"fair"}', "Is this sound? Take cake."]


def test_every_code_on_the_page_is_raised_somewhere() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (PAGE.parents[1] / "actors").rglob("*.py"))
    table = PAGE.read_text(encoding="utf-8").partition("|---|---|")[2]
    codes = {code for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.partition(" | ")[0])}
    assert len(codes) == 13
    assert {code for code in codes if f'"{code}"' not in sources} == set()
