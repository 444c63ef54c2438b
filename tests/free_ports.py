"""Ports for servers that tests start: still free when the server begins, whatever else connects meanwhile."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

PORTS = range(10_240, 20_000)
"""Below those that the system gives to outgoing connections, which could take one between this question and the
server's start; and a Redis Cluster's own channel, 10,000 above, is a port as well."""
CLUSTER_CHANNEL = 10_000


def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    while True:
        port = random.SystemRandom().choice(PORTS)  # test processes that start at once ask for different ones
        if _is_free(port):
            return port


def _is_free(port: int) -> bool:
    with ExitStack() as stack:
        try:
            for each in (port, port + CLUSTER_CHANNEL):
                stack.enter_context(socket.create_server(("127.0.0.1", each)))
        except OSError:
            return False
    return True
