"""REDIS_URL in all its forms: what each means, and which part of it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from offers_cli.errors import QueueRefused
from offers_cli.redis.connection import connect, parse_address


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://", {"host": "localhost", "port": 6379, "db": 0}),
        ("redis://shop.test", {"host": "shop.test", "port": 6379, "db": 0}),
        ("redis://shop.test:7000/3", {"host": "shop.test", "port": 7000, "db": 3}),
        ("redis://[::1]:7000/?db=2", {"host": "::1", "port": 7000, "db": 2}),
        ("redis://:p%3Aw%40@h", {"host": "h", "port": 6379, "db": 0, "password": "p:w@"}),
        ("redis://me:pw@h?socket_timeout=9", {"host": "h", "socket_timeout": 9.0, "username": "me", "password": "pw"}),
        ("rediss://h/1?ssl_check_hostname=no", {"host": "h", "ssl": True, "ssl_check_hostname": False, "db": 1}),
        ("unix:///a%20b/r.sock?db=4&password=pw", {"unix_socket_path": "/a b/r.sock", "db": 4, "password": "pw"}),
        ("unix://me:pw@/r.sock", {"unix_socket_path": "/r.sock", "username": "me", "password": "pw"}),
    ],
)
def test_what_an_address_means(url: str, options: dict[str, Any]) -> None:
    address = parse_address(url)
    assert options.items() <= address.options.items()
    assert not address.service


def test_what_an_address_of_sentinels_means(tmp_path: Path) -> None:
    (ca := tmp_path / "ca.pem").touch()
    address = parse_address(
        f"rediss+sentinel://me:pw@one:7720,[::1],three:7722/shop/2?sentinel_password=spw&ssl_ca_certs={ca}&client_name=x"
    )
    assert address.service == "shop"
    assert address.sentinels == (("one", 7720), ("::1", 26379), ("three", 7722))
    tls = {"ssl": True, "ssl_ca_certs": str(ca)}
    assert address.options == {"username": "me", "password": "pw", "db": 2, "client_name": "x", **tls}
    assert address.sentinel_options == {"password": "spw", **tls}
    plain = parse_address("redis+sentinel://one/shop?sentinel_username=u")
    assert (plain.options, plain.sentinel_options) == ({"db": 0}, {"username": "u"})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://x", "is not an address"),
        ("unix+sentinel:///r.sock", "is not an address"),
        ("redis://host:port/0", "port is no number"),
        ("redis://host:0/0", "port is no number"),
        ("redis://a:1,b:2/0", "port is no number"),
        ("redis://host/shop", "path is no database number"),
        ("redis+sentinel://host:1", "lacks the name that the Sentinels watch"),
        ("redis+sentinel://host:1/shop/x", "path is no database number"),
        ("unix://tmp/r.sock", "begins with a slash"),
        ("redis://h?decode_responses=True", "unknown option, decode_responses"),
        ("redis://h?ssl_cert_reqs=none", "has the option ssl_cert_reqs, which needs rediss://"),
        ("rediss://h?ssl_cert_reqs=maybe", "ssl_cert_reqs is neither none, optional nor required"),
        ("rediss://h?ssl_ca_certs=/not/there.pem", "ssl_ca_certs names /not/there.pem, which cannot be read"),
        ("redis://h?sentinel_password=x", "has the option sentinel_password, which needs redis"),
        ("redis://h?db=one", "db is no number"),
        ("redis://h?socket_timeout=soon", "socket_timeout is no number of seconds"),
        ("redis://h?socket_keepalive=perhaps", "socket_keepalive is neither true nor false"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(url: str, reason: str) -> None:
    with pytest.raises(QueueRefused, match=f"REDIS_URL .*{reason}") as caught:
        connect(url)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "url", ["redis://:hun/ter2@h", "redis://:hun?ter2@h/0", "redis://:hun#ter2@h", "redis://:hun/x=ter2@h:1"]
)
def test_a_password_that_cuts_the_address_short_is_not_shown(url: str) -> None:
    with pytest.raises(QueueRefused, match="%2F") as caught:
        connect(url)
    assert "hun" not in caught.value.message
    assert "ter2" not in caught.value.message
