"""Answers by key: once carried out, answered alike, bounded in number, bytes and age."""

from __future__ import annotations

import asyncio

import pytest

from sessiond.actors.core.errors import InvalidInput, Unavailable
from sessiond.gateway.idempotency import REPLAYED, Answers, fingerprint, key_of, session_id_for
from sessiond.gateway.problems import KeyInUse, KeyReused
from sessiond.gateway.reply import Reply

ME = ("default", "k1")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Carries requests out, and counts."""

    def __init__(self, size: int = 1) -> None:
        self.runs = 0
        self.size = size

    async def __call__(self) -> Reply:
        self.runs += 1
        return Reply(b"%d" % self.runs + b"x" * (self.size - 1), 202, {"Location": "/x"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(clock: Clock) -> Answers:
    return Answers(3, 100, 60.0, clock)


async def test_the_same_request_is_answered_alike_and_carried_out_once(answers: Answers) -> None:
    work = Work()
    first = await answers.once(ME, b"r", work)
    again = await answers.once(ME, b"r", work)
    assert work.runs == 1
    assert (again.status, again.body, again.headers["Location"]) == (first.status, first.body, "/x")
    assert again.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers


async def test_another_request_with_the_key_is_refused(answers: Answers) -> None:
    work = Work()
    await answers.once(ME, b"r", work)
    with pytest.raises(KeyReused):
        await answers.once(ME, b"other", work)
    assert work.runs == 1


async def test_the_key_of_another_tenant_is_another_key(answers: Answers) -> None:
    work = Work()
    await answers.once(ME, b"r", work)
    await answers.once(("other", "k1"), b"other", work)
    assert work.runs == 2


async def test_while_it_is_carried_out_a_repetition_has_to_wait(answers: Answers) -> None:
    go = asyncio.Event()

    async def slow() -> Reply:
        await go.wait()
        return Reply(b"done")

    first = asyncio.ensure_future(answers.once(ME, b"r", slow))
    await asyncio.sleep(0)
    with pytest.raises(KeyInUse):
        await answers.once(ME, b"r", slow)
    with pytest.raises(KeyReused):
        await answers.once(ME, b"other", slow)
    go.set()
    assert (await first).body == b"done"
    assert (await answers.once(ME, b"r", slow)).body == b"done"


async def test_what_failed_may_be_tried_again(answers: Answers) -> None:
    async def fail() -> Reply:
        raise Unavailable("not now")

    with pytest.raises(Unavailable):
        await answers.once(ME, b"r", fail)
    assert (await answers.once(ME, b"r", Work())).body == b"1"


async def test_answers_are_forgotten_when_they_are_old(answers: Answers, clock: Clock) -> None:
    work = Work()
    await answers.once(ME, b"r", work)
    clock.now = 59.0
    await answers.once(ME, b"r", work)
    assert work.runs == 1
    clock.now = 60.0
    await answers.once(ME, b"r", work)
    assert work.runs == 2


async def test_the_oldest_are_forgotten_when_there_are_too_many_or_they_are_too_large(answers: Answers) -> None:
    work = Work()
    for number in range(5):
        await answers.once(("t", str(number)), b"r", work)
    assert len(answers) == 3
    await answers.once(("t", "4"), b"r", work)
    assert work.runs == 5
    await answers.once(("t", "large"), b"r", Work(99))
    assert len(answers) == 2
    await answers.once(("t", "over"), b"r", Work(101))
    assert len(answers) == 0


def test_a_fingerprint_tells_requests_apart_wherever_they_are_cut() -> None:
    seen = {
        fingerprint("POST", "/a", b"bc"),
        fingerprint("POST", "/ab", b"c"),
        fingerprint("PUT", "/a", b"bc"),
        fingerprint("POST", "/a", b""),
    }
    assert len(seen) == 4


@pytest.mark.parametrize("text", ["", " ", "a b", "x" * 256, "ü", "\x7f"])
def test_what_cannot_be_a_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        key_of(text)


def test_a_key_may_be_any_printable_text_or_absent() -> None:
    assert key_of(None) is None
    assert key_of('"quoted~!"') == '"quoted~!"'


def test_a_session_id_follows_from_the_key_for_ever() -> None:
    assert session_id_for(ME) == "485b80bc-eb59-5965-8f35-1e1e3935c0d2"
    assert session_id_for(ME) != session_id_for(("other", "k1"))
    assert session_id_for(("a", "b")) != session_id_for(("ab", ""))
