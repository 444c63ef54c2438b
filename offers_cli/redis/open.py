"""Open the Redis that the settings choose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offers_cli.redis.connection import connect, connect_to_socket
from offers_cli.redis.errors import translate

if TYPE_CHECKING:
    import redis


def open_connection(url: str | None, home: Path) -> redis.Redis:
    """Connect to `url`, or to the embedded Redis of `home`, which is started if needed.

    Args:
        url: see `offers_cli.redis.connection`.

    Raises:
        QueueUnavailable: nothing answers there, or the embedded Redis does not start.
        QueueRefused: it answers no (password, rights), or the address cannot be read.
    """
    if url is None:
        from offers_cli.redis.embedded import ensure_server

        connection = connect_to_socket(ensure_server(home))
    else:
        connection = connect(url)
    with translate():
        connection.ping()
    return connection
