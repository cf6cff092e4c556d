"""What `http` nodes may call: which hosts, and which addresses whatever their names say. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from .core.errors import Fault, InvalidInput, NodeError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_RESERVED: Final = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("fec0::/10"))
"""Reserved for protocols, and site-local: not in the standard library's lists before Python 3.11.10, or not at all."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class HttpPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of `http` nodes.

    Attributes:
        hosts: names that may be called, `*` for any run of characters: `*.example.org`. Empty for all.
        private: networks such as `10.1.0.0/16` that may be called although they aren't public.
        max_redirects: how many are followed; each is checked like the first request.
        max_body: bytes of a response's body.
        timeout_s: seconds for the whole, redirects included; a node's own `timeout_s` can only shorten it.
        connect_s: seconds to try each address of a name.

    Raises:
        InvalidInput: a network in `private` isn't one.
    """

    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    max_redirects: Annotated[int, Meta(ge=0)] = 5
    max_body: Annotated[int, Meta(ge=1)] = 1_000_000
    timeout_s: Annotated[float, Meta(gt=0)] = 30.0
    connect_s: Annotated[float, Meta(gt=0)] = 5.0

    def __post_init__(self) -> None:
        for network in self.private:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise InvalidInput([Fault("http.private", str(error))], "the options") from None

    def check_host(self, host: str) -> None:
        """Refuse a host that isn't on the list.

        Raises:
            NodeError: `http_refused`.
        """
        name = host.lower().rstrip(".")
        if self.hosts and not any(fnmatchcase(name, pattern.lower()) for pattern in self.hosts):
            raise NodeError(f"the host {host!r} is not among those that may be called", "http_refused")

    def check_addresses(self, host: str, addresses: Sequence[str]) -> None:
        """Refuse a host if any of its addresses is neither public nor allowed.

        One bad address refuses all: a name with public and private ones is made to slip through.

        Raises:
            NodeError: `http_refused`.
        """
        networks = [ipaddress.ip_network(network) for network in self.private]
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not is_public(address) and not any(inner in network for inner in seen(address) for network in networks):
                raise NodeError(f"the host {host!r} has the address {address}, which isn't public", "http_refused")


def seen(address: Address) -> list[Address]:
    """Return an address and the IPv4 address that it maps or translates to, if any."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return [address] if inner is None else [address, inner]


def is_public(address: Address) -> bool:
    """Return whether an address, and any that it stands for, is of the public internet.

    The registries of special-purpose addresses (RFC 6890) decide, as the standard library knows them.
    """
    _, *inner = seen(address)
    if inner:
        return all(is_public(one) for one in inner)
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address.is_private
        or any(address in network for network in _RESERVED)
    )
