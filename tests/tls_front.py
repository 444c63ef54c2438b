"""TLS in front of a real Redis, as stunnel puts it there: also where the Redis itself was built without."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import trustme


class TlsFront:
    """A port of loopback that speaks TLS with a certificate of a private authority, and passes on to a unix socket.

    Args:
        names: what the certificate is for.
        wants_certificate: only those who show a certificate of the same authority come in: `client_pem` is one.
    """

    def __init__(self, target: Path, folder: Path, *names: str, wants_certificate: bool = False) -> None:
        authority = trustme.CA()
        self.ca_pem, self.client_pem = folder / "ca.pem", folder / "client.pem"
        authority.cert_pem.write_to_path(str(self.ca_pem))
        authority.issue_cert("client@offers.test").private_key_and_cert_chain_pem.write_to_path(str(self.client_pem))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*names).configure_cert(self._context)
        if wants_certificate:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2  # later ones refuse after the handshake
            authority.configure_trust(self._context)
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=self._listener.accept()[:1], daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with (
            suppress(OSError),
            plain,
            socket.socket(socket.AF_UNIX) as redis,
            self._context.wrap_socket(plain, server_side=True) as client,
        ):
            redis.connect(str(self._target))
            threading.Thread(target=_pass_on, args=(redis, client), daemon=True).start()
            _pass_on(client, redis)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
