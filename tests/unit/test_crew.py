"""Tasks that share one work, and become more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from sessiond.actors.crew import Crew


async def test_it_grows_up_to_the_most_and_is_through_when_all_is_done() -> None:
    todo, done = iter(range(10)), list[int]()
    at_work = most = 0

    async def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        for number in todo:
            crew.grow()
            await asyncio.sleep(0)
            done.append(number)
        at_work -= 1

    crew = Crew(work, 3)
    crew.grow()
    await crew.through
    assert sorted(done) == list(range(10))
    assert most == 3


async def test_the_first_failure_is_told_and_the_others_are_dismissed() -> None:
    numbers: Iterator[int] = iter(range(2))
    dismissed: list[int] = []

    async def work() -> None:
        number = next(numbers)
        crew.grow()
        if number:
            raise ValueError("one failed")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            dismissed.append(number)
            raise

    crew = Crew(work, 2)
    crew.grow()
    with pytest.raises(ValueError, match="one failed"):
        await crew.through
    await crew.dismiss()
    assert dismissed == [0]
    crew.grow()  # nobody is taken on any more
    await crew.dismiss()


async def test_a_failure_that_nobody_was_there_to_be_told_is_no_complaint() -> None:
    async def work() -> None:
        raise ValueError("unheard")

    crew = Crew(work, 1)
    crew.grow()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert crew.through.done()
    await crew.dismiss()
