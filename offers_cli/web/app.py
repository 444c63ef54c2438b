"""The dashboard's pages: the figures of `offers stats`, and the queue with its registries, jobs, workers and buttons.

They are drawn here, without any script; every value is escaped.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, abort, make_response, redirect, render_template, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from offers_cli.errors import OffersError, QueueUnavailable
from offers_cli.offer import url_problem
from offers_cli.queue.admin import QueueAdmin, Registry, StoredJob
from offers_cli.web.security import SAFE_METHODS

if TYPE_CHECKING:
    from offers_cli.queue.registries import Registries

MESSAGES = {
    403: "This page is out of date: go back, reload it and try again.",
    404: "There is nothing here, or no longer.",
    405: "That is done by a button of the dashboard alone.",
    500: "This is a bug in offers; the log of `offers dashboard` has the details.",
}
PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
ODD_ID = re.compile(r"~[A-Za-z0-9_-]{1,4000}", re.ASCII)
"""An id that RQ does not allow, in a URL: its bytes in base64."""
LONGEST_ODD_ID = 3000
PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
CANCELABLE = frozenset({Registry.QUEUED, Registry.STARTED, Registry.SCHEDULED, Registry.DEFERRED})


def create_app(*, jobs: QueueAdmin, registries: Registries, get_stats: Callable[[], Mapping[str, Any]]) -> Flask:
    """The application without its middleware (`offers_cli.web.security`).

    Args:
        get_stats: the figures of the start page, as `StatsReport.data` gives them.
    """
    app = Flask(__name__)
    app.jinja_env.autoescape = True
    app.jinja_env.undefined = StrictUndefined
    _guard_forms(app)
    app.register_blueprint(_queue_pages(jobs, registries), url_prefix="/rq")
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


def _queue_pages(jobs: QueueAdmin, registries: Registries) -> Blueprint:
    """The pages of that queue; what is not its own is not found, whatever the URL says."""
    pages = Blueprint("queue", __name__)
    actions = {"requeue": jobs.requeue, "cancel": jobs.cancel, "delete": jobs.delete}
    pages.app_template_filter("moment")(_moment)
    pages.app_template_filter("job_name")(_job_name)
    pages.app_template_filter("web_address")(_web_address)
    pages.app_template_filter("actions")(_actions_for)

    @pages.get("/")
    def overview() -> str:
        counts, suspended = jobs.counts(), registries.suspended()
        return render_template("queue.html", name=jobs.name, counts=counts, suspended=suspended)

    @pages.get("/workers")
    def workers() -> str:
        return render_template("workers.html", workers=registries.workers(), suspended=registries.suspended())

    @pages.get("/<name>/")
    def registry(name: str) -> str:
        which = _registry(name)
        page = jobs.page(which, _page_number(request.args.get("page", "1")))
        return render_template("registry.html", name=jobs.name, registry=which, page=page)

    @pages.post("/<name>/empty")
    def empty(name: str) -> Response:
        which = _registry(name)
        jobs.empty(which)
        return _go(url_for(".registry", name=which))

    @pages.post("/failed/requeue")
    def requeue_failed() -> Response:
        registries.requeue_failed()
        return _go(url_for(".overview"))

    @pages.get("/job/<name>")
    def job(name: str) -> str:
        found = jobs.find(_job_id(name)) or abort(404)
        return render_template("job.html", job=found)

    @pages.post("/job/<name>/<action>")
    def change(name: str, action: str) -> Response:
        do = actions.get(action) or abort(404)
        if not do(_job_id(name)):
            abort(404)
        if "registry" in request.form:
            page = _page_number(request.form.get("page", "1"))
            return _go(url_for(".registry", name=_registry(request.form["registry"]), page=page))
        return _go(url_for(".overview") if action == "delete" else url_for(".job", name=name))

    return pages


def _go(where: str) -> Response:
    return redirect(where, 303)


def _registry(name: str) -> Registry:
    try:
        return Registry(name)
    except ValueError:
        abort(404)


def _page_number(text: str) -> int:
    return int(text) if PAGE_NUMBER.fullmatch(text) else abort(404)


def _job_id(name: str) -> bytes:
    if PLAIN_ID.fullmatch(name):
        return name.encode()
    if not ODD_ID.fullmatch(name) or len(name) % 4 == 2:
        abort(404)
    return urlsafe_b64decode(name[1:] + "=" * (-len(name[1:]) % 4))


def _job_name(job_id: bytes) -> str | None:
    """A job's id in a URL; None for one that is too long."""
    if PLAIN_ID.fullmatch(text := job_id.decode(errors="replace")):
        return text
    return "~" + urlsafe_b64encode(job_id).rstrip(b"=").decode() if 0 < len(job_id) <= LONGEST_ODD_ID else None


def _actions_for(job: StoredJob) -> list[str]:
    """What can be done with a job as it stands."""
    found = []
    if job.status == Registry.FAILED and not job.broken:
        found.append("requeue")
    if job.status in CANCELABLE and not job.broken:
        found.append("cancel")
    return [*found, "delete"]


def _moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else ""


def _web_address(url: str | None) -> bool:
    """Whether a URL may be a link: nothing but http(s), without a user's name."""
    return url is not None and url_problem(url) is None
