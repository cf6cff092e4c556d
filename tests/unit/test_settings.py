"""Settings from the environment and from arguments."""

from __future__ import annotations

import pytest
from msgspec import structs

from sessiond import HttpPolicy
from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.settings import Settings


def test_defaults_are_for_one_person_on_one_machine() -> None:
    settings = Settings.read({})
    assert (settings.host, settings.store) == ("127.0.0.1", "sqlite:///sessions.db")
    settings.check_exposure()


def test_http_nodes_are_off_unless_turned_on() -> None:
    assert Settings.read({"SESSIOND_HTTP_HOSTS": "a.org"}).http_policy() is None
    on = {"SESSIOND_HTTP": "1", "SESSIOND_HTTP_HOSTS": "a.org,*.b.org", "SESSIOND_HTTP_PRIVATE": "10.1.0.0/16"}
    policy = Settings.read(on).http_policy()
    assert policy == HttpPolicy(hosts=("a.org", "*.b.org"), private=("10.1.0.0/16",))
    with pytest.raises(InvalidInput):
        Settings.read({"SESSIOND_HTTP": "1", "SESSIOND_HTTP_PRIVATE": "nowhere"}).http_policy()


def test_the_environment_is_typed_and_arguments_go_first() -> None:
    environ = {
        "SESSIOND_PORT": "9000",
        "SESSIOND_DRAIN_S": "2.5",
        "SESSIOND_WORKFLOWS": "a.json, b.yaml",
        "SESSIOND_ALLOW_ANONYMOUS": "true",
        "OTHER": "x",
    }
    settings = Settings.read(environ, port=9001, host=None)
    assert (settings.port, settings.drain_s, settings.host) == (9001, 2.5, "127.0.0.1")
    assert settings.workflows == ("a.json", "b.yaml")
    assert settings.allow_anonymous


def test_every_wrong_variable_is_named() -> None:
    with pytest.raises(InvalidInput) as invalid:
        Settings.read({"SESSIOND_PORT": "http", "SESSIOND_IDLE_S": "0"})
    assert {fault.path for fault in invalid.value.faults} == {"SESSIOND_PORT", "SESSIOND_IDLE_S"}


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InvalidInput):
        Settings.read({}, prot=1)
    with pytest.raises(InvalidInput):
        Settings.read({}, port=70_000)


def test_other_machines_are_not_served_to_anybody_unless_that_is_said() -> None:
    with pytest.raises(InvalidInput, match="SESSIOND_ALLOW_ANONYMOUS"):
        Settings(host="0.0.0.0").check_exposure()
    Settings(host="0.0.0.0", allow_anonymous=True).check_exposure()
    Settings(host="::1").check_exposure()


def test_tokens_are_bare_where_neither_tls_nor_a_proxy_is_in_sight() -> None:
    bare = Settings(host="0.0.0.0", keys="k")
    assert bare.bares_tokens
    for change in (
        {"host": "::1"},
        {"keys": None},
        {"tls_cert": "c"},
        {"allowed_hosts": ("a.org",)},
        {"max_auth_failures": 0},
    ):
        assert not structs.replace(bare, **change).bares_tokens


def test_the_budget_for_models_is_off_unless_it_is_set() -> None:
    assert Settings.read({}).options().model_tokens_per_minute is None
    given = Settings.read({"SESSIOND_MODEL_TOKENS_PER_MINUTE": "50000"})
    assert given.options().model_tokens_per_minute == 50_000
    with pytest.raises(InvalidInput):
        Settings.read({"SESSIOND_MODEL_TOKENS_PER_MINUTE": "-1"})
