"""The dashboard's pages: drawn here, without any script; every value is escaped."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, make_response, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from offers_cli.errors import OffersError, QueueUnavailable
from offers_cli.web.front import SAFE_METHODS
from offers_cli.web.queue_pages import make_queue_pages

if TYPE_CHECKING:
    from offers_cli.queue.admin import Jobs
    from offers_cli.queue.registries import Registries

MESSAGES = {
    403: "This page is out of date: go back, reload it and try again.",
    404: "There is nothing here, or no longer.",
    405: "That is done by a button of the dashboard alone.",
    500: "This is a bug in offers; the log of `offers dashboard` has the details.",
}


def create_app(*, jobs: Jobs, registries: Registries, get_stats: Callable[[], Mapping[str, Any]]) -> Flask:
    """The application without its front door (`offers_cli.web.front`).

    Args:
        get_stats: the figures of the start page, as `StatsReport.data` gives them.
    """
    app = Flask(__name__)
    app.jinja_env.autoescape = True
    app.jinja_env.undefined = StrictUndefined
    _guard_forms(app)
    app.register_blueprint(make_queue_pages(jobs, registries), url_prefix="/rq")
    app.register_error_handler(OffersError, _failed)
    app.register_error_handler(HTTPException, _refused)

    @app.get("/")
    def start() -> str:
        return render_template("start.html", stats=get_stats())

    return app


def _guard_forms(app: Flask) -> None:
    """Let nothing change but by a form of a page of ours: only those know the secret of this process."""
    secret = secrets.token_urlsafe(24)

    @app.context_processor
    def in_forms() -> dict[str, str]:
        return {"csrf": secret}

    @app.before_request
    def check() -> None:
        given = request.form.get("csrf", "") if request.method not in SAFE_METHODS else secret
        if not hmac.compare_digest(given.encode(), secret.encode()):
            abort(403)


def _failed(error: OffersError) -> tuple[str, int]:
    if isinstance(error, QueueUnavailable):  # its own words name the address
        return render_template("failed.html", message="Redis does not answer.", hint="offers doctor"), 503
    return render_template("failed.html", message=error.message, hint=error.hint), 503


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    message = MESSAGES.get(code, "This request cannot be answered.")
    response = make_response(render_template("failed.html", message=message, hint=""), code)
    if code == 405:
        response.headers["Allow"] = dict(error.get_headers()).get("Allow", "GET")
    return response
