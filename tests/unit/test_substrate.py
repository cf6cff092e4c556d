from importlib.metadata import version
from types import SimpleNamespace

import pykka
import pytest
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from sessiond.actors.dispatch import substrate
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.substrate import PYKKA_MESSAGES, SUPPORTED, StopMessage, SubstrateActor, call_proxy


def test_the_installed_pykka_is_the_one_the_private_names_were_read_from() -> None:
    assert version("pykka").rsplit(".", 1)[0] == SUPPORTED


def test_pykka_still_has_the_hooks_for_new_actor_types_and_no_more() -> None:
    assert pykka.Actor.__abstractmethods__ == {
        "_create_actor_inbox",
        "_create_future",
        "_start_actor_loop",
    }


@pytest.mark.parametrize("hook", ["_create_actor_inbox", "_create_future", "_start_actor_loop"])
def test_pykkas_own_way_to_run_an_actor_is_closed(hook: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(LoopActor(), hook)()


def test_every_message_type_that_pykka_sends_itself_is_known() -> None:
    assert {kind.__name__ for kind in PYKKA_MESSAGES} == {
        "_ActorStop",
        "ProxyCall",
        "ProxyGetAttr",
        "ProxySetAttr",
    }
    assert isinstance(substrate.STOP, StopMessage)


class Shelf(SubstrateActor):
    def __init__(self) -> None:
        self.box = SimpleNamespace(label="old", add=lambda a, b: a + b)


def test_proxy_messages_reach_nested_attributes() -> None:
    shelf = Shelf()
    assert call_proxy(shelf, ProxyGetAttr(("box", "label"))) == "old"
    assert call_proxy(shelf, ProxySetAttr(("box", "label"), "new")) is None
    assert shelf.box.label == "new"
    assert call_proxy(shelf, ProxyCall(("box", "add"), (1,), {"b": 2})) == 3


def test_anything_else_is_not_a_proxy_message() -> None:
    with pytest.raises(TypeError, match="not a proxy message"):
        call_proxy(Shelf(), "hello")


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        call_proxy(Shelf(), ProxyGetAttr(("nothing",)))
