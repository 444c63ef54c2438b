"""What programs ask the dashboard: the documents of commands that only read, metrics, whether it lives and is ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from offers_cli.errors import Ambiguous, NotFound, OffersError, UsageError
from offers_cli.log import get_log
from offers_cli.report import Problem, envelope
from offers_cli.web.metrics import CONTENT_TYPE
from offers_cli.web.security import TELLING_NOTHING

PATHS: Mapping[str, str] = {
    "/api/v1/stats": "stats",
    "/api/v1/offers": "list",
    "/api/v1/offers/<id>": "show",
    "/api/v1/offers/<id>/history": "history",
    "/api/v1/deals": "deals",
    "/api/v1/failed": "failed",
    "/api/v1/runs": "runs",
    "/api/v1/schedule": "schedule list",
    "/api/v1/alerts": "alerts list",
}
"""What may be read, and the command whose document it is."""
STATUSES = {0: 200, UsageError.exit_code: 400, 4: 503, 5: 502}
"""By exit code; any other is our own trouble."""
STATUSES_OF_CODES = {NotFound.code: 404, Ambiguous.code: 409}
REFUSALS = {
    404: ("not_found", "there is nothing at this address"),
    405: ("usage", "this can only be read: GET"),
}

METRICS = "/metrics"
CHECKED_FOR_S = 1.0
"""How long `/readyz` repeats itself: whoever asks needs no token, and costs nothing."""

log = get_log("dashboard")


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's document, its problems, and the exit code that the command would end with."""

    document: str
    problems: Sequence[Problem] = ()
    exit_code: int = 0

    @property
    def status(self) -> int:
        """The HTTP status that says the same as the exit code."""
        codes = [STATUSES_OF_CODES[problem.code] for problem in self.problems if problem.code in STATUSES_OF_CODES]
        return codes[0] if codes else STATUSES.get(self.exit_code, 500)


class Reader(Protocol):
    """Makes the documents; `offers_cli.cli.documents.Documents`, of a room above this one."""

    def read(self, name: str, words: Sequence[str], options: Mapping[str, Sequence[str]]) -> Answer:
        """The document of a command with these arguments and options; raises nothing that was foreseen."""
        ...

    def options_of(self, name: str) -> list[str]:
        """The options of that command."""
        ...


class Readiness:
    """Whether what is needed answers; asked by one thread at a time, the others hear what was found last.

    Args:
        check: raises an `OffersError` while it does not.
        clock: seconds that only go forward.
    """

    def __init__(self, check: Callable[[], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._clock = clock
        self._asking = Lock()
        self._ask_at = clock()
        self._is_ready = False

    def __bool__(self) -> bool:
        if self._asking.acquire(blocking=False):
            try:
                if self._clock() >= self._ask_at:
                    self._ask()
                    self._ask_at = self._clock() + CHECKED_FOR_S
            finally:
                self._asking.release()
        return self._is_ready

    def _ask(self) -> None:
        try:
            self._check()
        except OffersError as error:
            self._is_ready = False
            log.warning("not ready", code=error.code, reason=error.message)
        else:
            self._is_ready = True


def is_for_programs(path: str) -> bool:
    """Whether `create_api` answers at that address, and no page."""
    return path.startswith("/api/") or path == METRICS or path in TELLING_NOTHING


def create_api(reader: Reader, *, check: Callable[[], None], get_metrics: Callable[[], str]) -> Flask:
    """An application of its own beside the pages: it has no form, and nothing that changes anything.

    Args:
        check: raises an `OffersError` while Redis or the database does not answer.
        get_metrics: the text of `/metrics`.
    """
    is_ready = Readiness(check)
    api = Flask(__name__, static_folder=None)
    api.url_map.merge_slashes = False
    for path, name in PATHS.items():
        api.add_url_rule(path, name, _view(reader, name))
    api.register_error_handler(HTTPException, _refused)

    @api.get("/api/v1/")
    def index() -> Response:
        paths = [{"path": path, "command": name, "options": reader.options_of(name)} for path, name in PATHS.items()]
        return _document(envelope("api", {"paths": paths}, (), failed=False) + "\n", 200)

    @api.get(METRICS)
    def metrics() -> Response:
        return Response(get_metrics(), content_type=CONTENT_TYPE)

    @api.get("/healthz")
    def lives() -> Response:
        return _line("ok", 200)

    @api.get("/readyz")
    def ready() -> Response:
        return _line("ok", 200) if is_ready else _line("not ready", 503)

    return api


def _view(reader: Reader, name: str) -> Callable[..., Response]:
    def read(**words: str) -> Response:
        answer = reader.read(name, list(words.values()), request.args.to_dict(flat=False))
        return _document(answer.document, answer.status)

    return read


def _refused(error: HTTPException) -> Response:
    """A refusal is a document as well."""
    status = error.code or 500
    code, message = REFUSALS.get(status, ("bug" if status >= 500 else "usage", error.name.lower()))
    problem = Problem(code=code, message=message, hint="/api/v1/ lists what may be asked")
    response = _document(envelope("api", {}, [problem], failed=True) + "\n", status)
    if status == 405:
        response.headers["Allow"] = "GET, HEAD, OPTIONS"
    return response


def _document(text: str, status: int) -> Response:
    return Response(text, status, mimetype="application/json")


def _line(text: str, status: int) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
