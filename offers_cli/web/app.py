"""The dashboard's frame: what all pages have in common. The pages are in `offers_cli.web.pages`, a file for each area.

They are drawn here, on the server; every value is escaped.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, abort, current_app, make_response, render_template, request, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from offers_cli.config.values import written_duration
from offers_cli.errors import OffersError, QueueUnavailable
from offers_cli.language import format_figure, look_up, spoken, translate
from offers_cli.offer import url_problem
from offers_cli.storage.validation import is_uuid
from offers_cli.times import format_duration, local_zone_name
from offers_cli.web.security import SAFE_METHODS

AREAS = {
    "overview": "Overview",
    "deals": "Deals",
    "offers": "Offers",
    "failures": "Failures",
    "runs": "Runs",
    "queue": "Queue",
}
"""The navigation, in this order: the names of the areas' blueprints. Each has an endpoint ``index``."""
MESSAGES = {
    403: "This page is out of date: go back, reload it and try again.",
    404: "There is nothing here, or no longer.",
    405: "That is done by a button of the dashboard alone.",
    500: "This is a bug in offers; the log of `offers dashboard` has the details.",
}


def create_app(areas: Iterable[Blueprint]) -> Flask:
    """The application without its middleware (`offers_cli.web.security`).

    Args:
        areas: the pages; the navigation shows those that `AREAS` names.
    """
    app = Flask(__name__)
    app.jinja_env.autoescape = True
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters |= {
        "said": translate,
        "figure": format_figure,
        "moment": _moment,
        "duration": format_duration,
        "as_written": written_duration,
        "web_address": _web_address,
        "offer_page": _offer_page,
    }
    _mark_texts(app)
    _guard_forms(app)
    for area in areas:
        app.register_blueprint(area)
    app.register_error_handler(OffersError, _failed)
    app.register_error_handler(HTTPException, _refused)

    @app.context_processor
    def in_page() -> dict[str, Any]:
        shown = {name: label for name, label in AREAS.items() if name in app.blueprints}
        return {"areas": shown, "area": request.blueprint, "zone": local_zone_name(), "language": spoken()}

    return app


def _mark_texts(app: Flask) -> None:
    """Let templates mark their texts by ``_("…")`` and ``{% trans %}``: Jinja's extension, with functions of our own.

    Its own ones copy the context at each text within a loop: a list of fifty offers took twice as long.
    """
    pages: Any = app.jinja_env
    pages.add_extension("jinja2.ext.i18n")
    pages.newstyle_gettext = True
    pages.policies["ext.i18n.trimmed"] = True
    pages.globals |= {"_": _text, "gettext": _text, "ngettext": _form}


def _text(text: str, **values: object) -> Markup:
    """A text of a page in the language that is spoken; the values in it are escaped."""
    return Markup(look_up(text)) % values  # noqa: S704 (the templates' own, and the catalogue's)


def _form(one: str, many: str, count: int, **values: object) -> Markup:
    """As `_text`, the form that fits the number; each is a text of its own."""
    return _text(one if count == 1 else many, **values)


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


def _moment(time: datetime | None) -> str:
    """A moment as people here write it; nothing for one that no clock shows."""
    with suppress(OverflowError):
        return translate(f"{time.astimezone():%Y-%m-%d %H:%M:%S}") if time else ""
    return ""


def _offer_page(offer_id: str | None) -> str | None:
    """The address of an offer's page; None for what is no offer's id, or where there are no such pages."""
    is_shown = "offers" in current_app.blueprints and is_uuid(offer_id or "")
    return url_for("offers.offer", name=offer_id) if is_shown else None


def _web_address(url: str | None) -> bool:
    """Whether a URL may be a link: nothing but http(s), without a user's name."""
    return url is not None and url_problem(url) is None
