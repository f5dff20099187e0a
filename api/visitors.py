"""Who is asking: the client's address, as far as proxies that we trust tell it. Cookies carry no authority."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import Request


def visitor(remote: str, forwarded_for: str, *, trusted_proxies: int) -> str:
    """The visitor's address; for IPv6 the /64 that one household or machine can roam in. Pure.

    `forwarded_for` is believed as far as trusted proxies wrote it: each appends the address it saw, so with n of them
    the n-th from the right is the client's. With fewer entries than proxies somebody came past one: the connection's
    own address counts.
    """
    address = remote
    if trusted_proxies:
        hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
        if len(hops) >= trusted_proxies:
            address = hops[-trusted_proxies]
    return _network(address)


def visitor_of(request: Request, *, trusted_proxies: int) -> str:
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return visitor(request.remote_addr or "", forwarded, trusted_proxies=trusted_proxies)


def _network(text: str) -> str:
    if text.count(":") == 1:  # an IPv4 address and its port, as some proxies write it
        text = text.partition(":")[0]
    try:
        address: IPv4Address | IPv6Address = ip_address(text.removeprefix("[").partition("]")[0].partition("%")[0])
    except ValueError:
        return "unknown"  # a proxy that writes no address puts all its visitors into one
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
