"""Which hosts and addresses may be called."""

from __future__ import annotations

import ipaddress

import pytest

from sessiond import HttpPolicy, NodeError
from sessiond.actors.core.errors import InvalidInput
from sessiond.actors.http_policy import is_public

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_called(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    HttpPolicy().check_addresses("h", [address])


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_nothing_else_may(address: str) -> None:
    with pytest.raises(NodeError, match="isn't public") as caught:
        HttpPolicy().check_addresses("h", [address])
    assert caught.value.node_code == "http_refused"


def test_private_networks_are_allowed_by_name_only() -> None:
    policy = HttpPolicy(private=("10.1.0.0/16", "fd12::/16"))
    policy.check_addresses("h", ["10.1.2.3", "fd12::5", "::ffff:10.1.0.1"])
    for address in ("10.2.0.1", "127.0.0.1", "fd13::1", "::ffff:10.2.0.1"):
        with pytest.raises(NodeError):
            policy.check_addresses("h", [address])


def test_one_bad_address_refuses_all() -> None:
    with pytest.raises(NodeError, match=r"192\.168\.0\.1"):
        HttpPolicy().check_addresses("h", ["8.8.8.8", "192.168.0.1"])


def test_hosts_are_listed_by_pattern() -> None:
    policy = HttpPolicy(hosts=("api.example.org", "*.example.com"))
    for host in ("api.example.org", "API.Example.ORG.", "a.b.example.com"):
        policy.check_host(host)
    for host in ("example.com", "example.org", "api.example.org.evil.net", "evilexample.com"):
        with pytest.raises(NodeError, match="not among") as caught:
            policy.check_host(host)
        assert caught.value.node_code == "http_refused"
    HttpPolicy().check_host("anything")


def test_what_is_no_network_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"http\.private"):
        HttpPolicy(private=("10.0.0.1/8",))
