"""A service that alerts are sent to, which counts what arrives."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Self

from offers_cli.config.values import Secret

TOKEN = "canary-of-the-address"


class Receiver:
    """Use it as a context manager.

    Attributes:
        titles: of the messages that were answered as arrived, in the order of their arrival.
        status: what it answers; None: it hangs up without an answer.
    """

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.texts: list[str] = []
        self.status: int | None = 200
        self._lock = Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver._lock:
                    receiver.titles.append(message["title"])
                    receiver.texts.append(message["message"])
                if receiver.status is None:
                    return
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self._server.server_port}/{TOKEN}"

    @property
    def urls(self) -> Secret:
        return Secret(self.address)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
