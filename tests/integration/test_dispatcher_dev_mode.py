"""A program with actors gives asyncio and the interpreter in development mode nothing to complain about."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, gc, logging
{setup}
logging.basicConfig(level=logging.WARNING)
from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill
from sessiond.actors.dispatch.pooled_actor import PooledActor, WorkerPool

class Slow(LoopActor):
    async def on_receive(self, message):
        await asyncio.sleep(message)
        return message

class Blocking(PooledActor):
    def on_receive(self, message):
        return message

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a pause of the machine is not the program's
    dispatcher = LoopDispatcher()
    refs = [dispatcher.spawn(Slow) for _ in range(20)]
    answers = [ref.ask(0, block=False) for ref in refs]
    print([await answer for answer in answers] == [0] * 20)
    for ref in refs:
        ref.tell(3600)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    refs[0].tell(Kill())
    late = dispatcher.spawn(Slow)
    late.tell(3600)
    dispatcher.close()
    pool = WorkerPool(2)
    print(await pool.run(sum, [1, 2]), await pool.spawn(Blocking).ask("x", block=False))
    pool.close(timeout=None)

{run}
LoopDispatcher.current().loop.slow_callback_duration = 60
print(Slow.start().ask(0), Blocking.start().ask("y"))
gc.collect()
"""


@pytest.mark.parametrize(
    ("setup", "run"),
    [("", "asyncio.run(main())"), ("import uvloop", "uvloop.run(main())")],
    ids=["asyncio", "uvloop"],
)
def test_a_whole_program_is_quiet(setup: str, run: str) -> None:
    program = PROGRAM.format(setup=setup, run=run)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["True", "3 x", "0 y"]
    assert done.returncode == 0
