"""RQ Dashboard, mounted in our own application and made safe.

As it comes, RQ Dashboard 0.9 shows its visitors the Redis address, puts error texts unescaped into its pages, unpickles
what lies in Redis, and requeues everything upon a GET. Source: `rq_dashboard/web.py` and its templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import rq.serializers
import rq_dashboard.web as dashboard  # type: ignore[import-untyped]
from flask import Flask, abort, request
from jinja2 import BaseLoader, Environment

if TYPE_CHECKING:
    import redis

PREFIX = "/rq"
CHANGES_UPON_GET = "rq_dashboard.requeue_all"
_ESCAPED_BY_HAND = re.compile(r"<%=\s*\$\('<div/>'\)\.text\((.+?)\)\.html\(\)\s*%>")
_INSERTED = re.compile(r"<%=")


def mount(app: Flask, connection: redis.Redis) -> None:
    """Add RQ Dashboard's pages under `PREFIX`, all of them over that one connection."""
    forbid_pickle()
    app.config["RQ_DASHBOARD_REDIS_URL"] = ("the Redis of offers",)  # what the pages show in place of an address
    app.redis_conn = connection  # type: ignore[attr-defined]  # where RQ Dashboard looks for it
    app.register_blueprint(dashboard.blueprint, url_prefix=PREFIX)
    # Its own function would connect to the address anew for each page.
    app.before_request_funcs["rq_dashboard"] = [_refuse_other_instances, _refuse_changes_upon_get]
    loader = app.jinja_env.loader
    assert loader is not None
    app.jinja_env.loader = EscapingLoader(loader)


def forbid_pickle() -> None:
    """Let RQ read JSON alone in this process: whoever can write to Redis could plant a pickle that runs code here."""
    rq.serializers.PickleSerializer = rq.serializers.JSONSerializer  # type: ignore[assignment]
    dashboard.config.serializer = rq.serializers.JSONSerializer


def _refuse_other_instances() -> None:
    if request.view_args and request.view_args.get("instance_number"):
        abort(404)


def _refuse_changes_upon_get() -> None:
    """A picture on another site could fetch such an address."""
    if request.endpoint == CHANGES_UPON_GET and request.method != "POST":
        abort(405)


class EscapingLoader(BaseLoader):
    """Loads RQ Dashboard's templates with every value of its browser-side templates escaped.

    Underscore's ``<%= %>`` inserts as it is, ``<%- %>`` escapes; error texts hold what strangers' pages hold.
    """

    def __init__(self, inner: BaseLoader) -> None:
        self._inner = inner

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        source, filename, is_current = self._inner.get_source(environment, template)
        if template.startswith("rq_dashboard/"):
            source = _INSERTED.sub("<%-", _ESCAPED_BY_HAND.sub(r"<%- \1 %>", source))
        return source, filename, is_current
