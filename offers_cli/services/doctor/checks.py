"""Which checks there are, and what each of them looks at."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from offers_cli.affiliate.session import SessionFile
from offers_cli.config import Config, DatabaseConfig, check_home
from offers_cli.errors import (
    Bug,
    ConfigError,
    OffersError,
    QueueUnavailable,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.log import without_query
from offers_cli.marketplaces.base import Marketplace
from offers_cli.redis.health import read_health
from offers_cli.services.doctor import database, queue
from offers_cli.services.doctor.examine import Check, Finding, Look
from offers_cli.services.doctor.machine import look_at_disk, look_at_home, look_at_python, look_at_settings
from offers_cli.services.doctor.site import DriftView, look_at_pages, look_at_session, look_at_source
from offers_cli.services.pages import Pages
from offers_cli.storage import open_storage, storage_kind
from offers_cli.storage.health import find_open_tables, is_public_key, read_sqlite_health
from offers_cli.storage.transfer import find_leftovers

QUEUE_SETTINGS = ("REDIS_URL",)
DATABASE_SETTINGS = ("OFFERS_DB", "SUPABASE_")
SITE_SETTINGS = ("ML_BASE_URL", "OFFERS_ALLOW", "OFFERS_HTTP_PROXY", "REDIS_URL")


class Surroundings(Protocol):
    """What the checks open, each at its first use."""

    config: Config

    @property
    def connection(self) -> Any: ...
    @property
    def registries(self) -> queue.QueueView: ...
    @property
    def drift_store(self) -> DriftView: ...
    @property
    def pages(self) -> Pages: ...

    def marketplace_for(self, url: str) -> Marketplace: ...

    def now(self) -> datetime: ...


def list_checks(around: Surroundings, settings_problems: Sequence[str]) -> list[Check]:
    """All checks; what depends on a setting that cannot be read is not looked at."""
    config = around.config
    session = SessionFile(config.home / "session.json")
    make = partial(_check, settings_problems)
    first = [
        make("settings", look=lambda: look_at_settings(config, settings_problems)),
        make("python", look=look_at_python),
        make("home", look=lambda: look_at_home(config.home)),
    ]
    try:
        check_home(config.home)
    except ConfigError:  # nothing is created in somebody else's home, not even by looking
        return first
    return [
        *first,
        make("disk", look=lambda: _disk(config)),
        make(*queue.NAMES, "pages", look=lambda: _queue(around), late=QueueUnavailable, settings=QUEUE_SETTINGS),
        make(*database.NAMES, look=lambda: _database(config), late=StorageUnavailable, settings=DATABASE_SETTINGS),
        make("session", look=lambda: look_at_session(session.load, now=around.now())),
        make("source", look=lambda: _source(around), late=SiteUnavailable, settings=SITE_SETTINGS),
    ]


def _check(
    problems: Sequence[str], *names: str, look: Look, late: type[OffersError] = Bug, settings: tuple[str, ...] = ()
) -> Check:
    if settings and any(problem.startswith(settings) for problem in problems):
        seen = [Finding(name=names[0], state="unknown", evidence="not looked at: see settings")]
        return Check(names=names, look=lambda: seen, late=late)
    return Check(names=names, look=look, late=late)


def _disk(config: Config) -> Sequence[Finding]:
    database = config.database.sqlite_path.parent
    leftovers = [file for folder in {database, config.home / "backups"} for file in find_leftovers(folder)]
    return look_at_disk(config.home, database, leftovers=leftovers)


def _queue(around: Surroundings) -> Sequence[Finding]:
    url = around.config.enrichment.redis_url
    found = queue.look_at_queue(
        read_health=lambda: read_health(around.connection),
        get_queue=lambda: around.registries,
        address=without_query(url.reveal()) if url else None,
    )
    redis_answers = len(found) > 1
    return [*found, look_at_pages(around.drift_store)] if redis_answers else found


def _database(config: Config) -> Sequence[Finding]:
    settings = config.database
    if storage_kind(settings) == "sqlite":
        return database.look_at_sqlite(settings.sqlite_path, read_health=read_sqlite_health)
    url, anon_key = settings.supabase_url or "", settings.supabase_anon_key
    return database.look_at_supabase(
        count_offers=lambda: _count_offers(settings),
        find_open_tables=lambda: find_open_tables(url, anon_key),
        has_anon_key=anon_key is not None,
    )


def _count_offers(settings: DatabaseConfig) -> int:
    if settings.supabase_key and is_public_key(settings.supabase_key):
        hint = "set SUPABASE_SERVICE_ROLE_KEY to the service role (secret) key of this project"
        raise StorageRefused("SUPABASE_SERVICE_ROLE_KEY holds the public key, which may do nothing", hint=hint)
    with closing(open_storage(settings)) as opened:
        return opened.counts().total


def _source(around: Surroundings) -> Sequence[Finding]:
    return look_at_source(around.pages, around.marketplace_for(""))
