import asyncio

import pykka
import pytest

from sessiond.actors.dispatch.hosted_actor import HostedActor
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Mailbox


async def test_the_mailbox_is_the_ref() -> None:
    boxes: list[Mailbox[HostedActor]] = []

    class Curious(LoopActor):
        def on_start(self) -> None:
            boxes.append(self.mailbox)

    ref = Curious.start()
    await ref.stop(block=False)
    assert boxes == [ref]


def test_an_actor_made_by_hand_has_no_mailbox() -> None:
    with pytest.raises(AttributeError):
        _ = HostedActor().mailbox


async def test_str_names_class_and_number() -> None:
    class Named(LoopActor):
        def on_receive(self, message: object) -> str:
            return str(self)

    ref = Named.start()
    assert await ref.ask("?", block=False) == str(ref) == f"Named ({ref.actor_urn})"
    await ref.stop(block=False)


async def test_stop_of_a_stopped_actor_is_harmless() -> None:
    stopped = asyncio.Event()

    class Late(LoopActor):
        def on_stop(self) -> None:
            self.stop()
            stopped.set()

    ref = Late.start()
    await ref.stop(block=False)
    assert stopped.is_set()
    assert not ref.is_alive()
    assert isinstance(ref, pykka.ActorRef)
