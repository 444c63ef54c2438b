"""The dashboard's pages: our start page, RQ Dashboard; room for more of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, render_template
from redis.exceptions import RedisError
from rq.exceptions import InvalidJobOperation, NoSuchJobError

from offers_cli.errors import OffersError
from offers_cli.web import rq_pages

if TYPE_CHECKING:
    import redis


def create_app(*, connection: redis.Redis, get_stats: Callable[[], Mapping[str, Any]]) -> Flask:
    """The application without its front door (`offers_cli.web.front`).

    Args:
        get_stats: the figures of the start page, as `StatsReport.data` gives them.
    """
    app = Flask(__name__)
    rq_pages.mount(app, connection)
    app.register_error_handler(RedisError, _redis_failed)
    app.register_error_handler(OffersError, _failed)
    app.register_error_handler(NoSuchJobError, _no_such_job)
    app.register_error_handler(InvalidJobOperation, _no_such_job)

    @app.get("/")
    def start() -> str:
        return render_template("start.html", stats=get_stats(), rq_url=f"{rq_pages.PREFIX}/")

    return app


def _redis_failed(_error: Exception) -> tuple[str, int]:
    return render_template("failed.html", message="Redis does not answer.", hint="offers doctor"), 503


def _failed(error: Exception) -> tuple[str, int]:
    assert isinstance(error, OffersError)
    return render_template("failed.html", message=error.message, hint=error.hint), 503


def _no_such_job(_error: Exception) -> tuple[str, int]:
    return render_template("failed.html", message="That job is gone, or no longer where it was.", hint=""), 404
