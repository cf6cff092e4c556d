"""Hosts and origins: what a foreign page may have a browser do here."""

from __future__ import annotations

from typing import Any

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine

from sessiond.actors.core.errors import Forbidden
from sessiond.gateway.browsers import BrowserPolicy
from sessiond.gateway.settings import Settings


def request(method: str = "GET", **headers: str) -> HTTPServerRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    line = RequestStartLine(method, "/", "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders(named), connection=HTTPConnection())


def allows(policy: BrowserPolicy, method: str = "GET", **headers: str) -> bool:
    try:
        policy.check(request(method, **headers))
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("LOCALHOST.:1", True),
        ("[::1]:8080", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:8080", False),
        ("evil.example:127.0.0.1", False),
        ("", False),
        ("[::2]", False),
        ("0.0.0.0", False),
    ],
)
def test_on_loopback_without_authentication_a_rebound_name_is_refused(host: str, allowed: bool) -> None:
    assert allows(BrowserPolicy(Settings()), Host=host) == allowed


def test_a_name_can_be_added_and_then_counts_everywhere() -> None:
    local = BrowserPolicy(Settings(allowed_hosts=("Sessions.Example",)))
    assert allows(local, Host="sessions.example:443")
    assert allows(local, Host="localhost")
    served = BrowserPolicy(Settings(host="0.0.0.0", keys="k", allowed_hosts=("sessions.example",)))
    assert allows(served, Host="sessions.example")
    assert not allows(served, Host="localhost")
    assert allows(BrowserPolicy(Settings(host="0.0.0.0", keys="k")), Host="anything")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8080", True),
        ("https://console.example", True),
        ("HTTPS://Console.Example", True),
        ("http://localhost:8081", False),
        ("https://console.example.evil.example", False),
        ("http://console.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("https://console.example:444", False),
    ],
)
def test_only_pages_of_named_origins_and_our_own_may_change_anything(origin: str, allowed: bool) -> None:
    policy = BrowserPolicy(Settings(allowed_origins=("https://console.example",)))
    for method in ("POST", "PUT", "DELETE", "PATCH", "BREW"):
        assert allows(policy, method, Host="localhost:8080", Origin=origin) == allowed
    assert allows(policy, "GET", Host="localhost:8080", Origin=origin)
    assert allows(policy, "POST", Host="localhost:8080")


def test_with_tls_a_page_that_came_without_it_is_not_our_own() -> None:
    secure = BrowserPolicy(Settings(tls_cert="c", tls_key="k"))
    assert allows(secure, "POST", Host="localhost", Origin="https://localhost")
    assert not allows(secure, "POST", Host="localhost", Origin="http://localhost")


def test_a_star_names_no_origin() -> None:
    policy = BrowserPolicy(Settings(allowed_origins=("*",)))
    assert not allows(policy, "POST", Host="localhost", Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in policy.cors(request(Host="localhost", Origin="https://evil.example"))


def test_answers_can_be_read_by_pages_of_named_origins_only() -> None:
    policy = BrowserPolicy(Settings(allowed_origins=("https://console.example",)))
    friend = policy.cors(request(Host="localhost", Origin="https://console.example"))
    assert friend["Access-Control-Allow-Origin"] == "https://console.example"
    assert "Retry-After" in friend["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in friend
    for origin in ("https://evil.example", "null"):
        assert policy.cors(request(Host="localhost", Origin=origin)) == {"Vary": "Origin"}
    assert policy.cors(request(Host="localhost")) == {"Vary": "Origin"}
    assert BrowserPolicy(Settings()).cors(request(Host="localhost", Origin="https://evil.example")) == {}


def test_a_preflight_of_a_named_origin_is_answered() -> None:
    policy = BrowserPolicy(Settings(allowed_origins=("https://console.example",)))
    asks: dict[str, Any] = {"Host": "localhost", "Access_Control_Request_Method": "PUT"}
    good = request("OPTIONS", Origin="https://console.example", **asks)
    assert policy.answers_preflight(good)
    assert "PUT" in policy.cors(good)["Access-Control-Allow-Methods"]
    assert "Authorization" in policy.cors(good)["Access-Control-Allow-Headers"]
    assert not policy.answers_preflight(request("OPTIONS", Origin="https://evil.example", **asks))
    assert not policy.answers_preflight(request("OPTIONS", Host="localhost", Origin="https://console.example"))
