"""Which addresses are public: the same answers in every Python, whatever its `ipaddress` knows."""

from __future__ import annotations

import ipaddress

import pytest

from offers_cli.fetch.guard import is_reachable

PUBLIC = (
    *(
        "8.8.8.8",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "223.255.255.255",
    ),
    *(
        "2001:200::1",
        "2600:9000::1",
        "2a00:1450:4001::1",
        "2800:3f0::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ),
)
PRIVATE = ("127.0.0.1", "127.255.255.254", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "fd12::1", "::ffff:10.0.0.1")
NEVER = (
    *(
        "0.0.0.0",
        "0.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "169.254.0.1",
        "192.0.0.1",
        "192.0.0.192",
    ),
    *("192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *(
        "::",
        "::127.0.0.1",
        "::a9fe:a9fe",
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "::ffff:169.254.169.254",
    ),
    *(
        "64:ff9b::169.254.169.254",
        "64:ff9b::127.0.0.1".replace("127.0.0.1", "192.0.2.1"),
        "64:ff9b:1::1",
        "64:ff9b:1::8.8.8.8",
    ),
    *(
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:30::1",
        "2001:db8::1",
    ),
    *("2002:a9fe:a9fe::1", "2002:c000:201::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1"),
    *(
        "fd00:ec2::254",
        "fd00:ec2::253",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "fe80::1",
        "fe80::a9fe:a9fe",
    ),
    *("fe80::1%eth0", "febf::1", "fec0::1", "feff::1", "ff02::1", "ff0e::1"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert is_reachable(address, allow_private=False)
    assert is_reachable(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_reached_where_that_is_allowed_alone(address: str) -> None:
    assert not is_reachable(address, allow_private=False)
    assert is_reachable(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_special_addresses_are_never_reached(address: str) -> None:
    """Not in any form, even where private ones are allowed; clouds serve secrets at some of them."""
    assert not is_reachable(address, allow_private=False)
    assert not is_reachable(address, allow_private=True)


@pytest.mark.parametrize("name", ["is_private", "is_global", "is_reserved"])
def test_no_answer_depends_on_what_python_knows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        monkeypatch.setattr(kind, name, property(lambda _: pytest.fail(f"asked for {name}")))
    for address in (*PUBLIC, *PRIVATE, *NEVER):
        is_reachable(address, allow_private=True)
