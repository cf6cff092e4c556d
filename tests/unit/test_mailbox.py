from threading import Thread

import msgspec
import pykka
import pytest
from support.recording import Echo

from sessiond.actors.dispatch.mailbox import (
    PLAIN,
    Asked,
    Control,
    Credits,
    Kill,
    Mailbox,
    MailboxFull,
    PlainTypes,
    ask,
)
from sessiond.actors.dispatch.pooled_actor import PooledActor, WorkerPool
from sessiond.actors.dispatch.substrate import STOP, StopMessage


class Urgent(msgspec.Struct, Control, frozen=True):
    reason: str


def test_control_mixes_into_msgspec_structs() -> None:
    urgent = Urgent("now")
    assert isinstance(urgent, Control)
    assert msgspec.json.encode(urgent) == b'{"reason":"now"}'
    assert not hasattr(urgent, "__dict__")


def test_plain_types_are_learnt_and_special_ones_are_not() -> None:
    plain = PlainTypes()
    assert [plain.learn(kind) for kind in (int, Urgent, Kill, Asked, StopMessage)] == [True] + [False] * 4
    assert plain == {int}


def test_types_made_at_run_time_are_not_kept_for_ever() -> None:
    plain = PlainTypes()
    for number in range(PlainTypes.limit + 1):
        plain.learn(type(f"Message{number}", (), {}))
    assert len(plain) == 1


def test_credits_run_out_and_come_back() -> None:
    credits = Credits(2)
    assert [credits.take() for _ in range(3)] == [True, True, False]
    credits.give()
    assert [credits.take() for _ in range(2)] == [True, False]


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Credits(0)


def test_threads_that_race_for_credits_get_each_one_once() -> None:
    credits = Credits(1000)
    taken: list[bool] = []
    threads = [Thread(target=lambda: taken.extend(credits.take() for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 1000


async def test_ask_returns_an_awaitable_future_of_the_answer() -> None:
    ref = Echo.start()
    assert await ask(ref, "hello") == "hello"
    await ref.stop(block=False)


def test_ask_refuses_the_ref_of_an_actor_with_a_thread() -> None:
    class Threaded(pykka.ThreadingActor):
        pass

    ref = Threaded.start()
    with pytest.raises(TypeError, match="not an actor of a dispatcher"):
        ask(ref, 1)
    ref.stop()


def test_a_mailbox_that_nobody_schedules_takes_nothing() -> None:
    box: Mailbox[Echo] = Mailbox(Echo(), None)
    for put in (box.enqueue, box.enqueue_control):
        with pytest.raises(NotImplementedError):
            put("message")
    with pytest.raises(NotImplementedError):
        _ = box.directory


def test_a_mailbox_is_true_however_empty() -> None:
    box: Mailbox[Echo] = Mailbox(Echo(), None)
    assert box
    assert len(box) == 0
    assert not box.has_data()


def test_refusing_an_ask_answers_it_and_refusing_a_stop_confirms_it() -> None:
    box: Mailbox[Echo] = Mailbox(Echo(), None)
    asked, stop = Asked("question"), Asked(STOP)
    box.refuse(asked)
    box.refuse(stop)
    with pytest.raises(pykka.ActorDeadError, match="stopped before handling"):
        asked.get()
    assert stop.get() is True
    assert asked.message is None


def test_a_dead_letter_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    box: Mailbox[Echo] = Mailbox(Echo(), None)
    box.refuse("told")
    box.refuse(Asked("told in an envelope", told=True))
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == [
        "'told'",
        "'told in an envelope'",
    ]


def test_numbers_and_names_are_unique_and_the_event_is_one() -> None:
    first: Mailbox[Echo] = Mailbox(Echo(), None)
    second: Mailbox[Echo] = Mailbox(Echo(), None)
    assert first.actor_urn != second.actor_urn
    assert str(first) == f"Echo (urn:sessiond:actor:{first.number})"
    assert first.actor_stopped is first.actor_stopped
    assert not first.actor_stopped.is_set()


class Bounded(PooledActor):
    mailbox_bound = 1

    def on_receive(self, message: Thread | str) -> None:
        if isinstance(message, Thread):
            message.join()


def test_a_full_mailbox_tells_the_asker_too_and_takes_stop_all_the_same() -> None:
    blocker = Thread(target=lambda: None)
    pool = WorkerPool(1)
    ref = pool.spawn(Bounded)
    gate = pool.run(blocker.join) if blocker.is_alive() else None
    assert gate is None
    box = ref
    assert isinstance(box, Mailbox)
    assert box.credits is not None
    assert box.credits.take()
    with pytest.raises(MailboxFull, match="is full"):
        ref.tell("one too many")
    with pytest.raises(MailboxFull):
        ref.ask("one too many")
    assert ref.stop() is True
    pool.close()


def test_plain_is_shared_by_all_mailboxes() -> None:
    PLAIN.discard(complex)
    ref = Echo.start()
    ref.tell(1j)
    assert complex in PLAIN
    ref.stop()
