"""Which checks there are, and what each of them looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from offers_cli.affiliate.session import SessionFile
from offers_cli.alerts.store import AlertStore
from offers_cli.config import Config, DatabaseConfig, check_home
from offers_cli.drift.store import DriftStore
from offers_cli.errors import (
    ConfigError,
    OffersError,
    QueueUnavailable,
    SiteUnavailable,
    StorageRefused,
    StorageUnavailable,
)
from offers_cli.log import without_query
from offers_cli.queue.registries import Registries
from offers_cli.queue.schedule import Schedule
from offers_cli.redis.health import RedisHealth
from offers_cli.services.doctor import database
from offers_cli.services.doctor.alerts import look_at_alerts
from offers_cli.services.doctor.examine import Check, Finding
from offers_cli.services.doctor.machine import look_at_disk, look_at_home, look_at_python, look_at_settings
from offers_cli.services.doctor.queue import NAMES as REDIS_NAMES
from offers_cli.services.doctor.queue import look_at_queue
from offers_cli.services.doctor.schedule import look_at_schedule
from offers_cli.services.doctor.site import look_at_label, look_at_pages, look_at_session, look_at_source
from offers_cli.services.pages import Pages
from offers_cli.storage import storage_kind
from offers_cli.storage.base import Storage
from offers_cli.storage.health import find_open_tables, is_public_key, read_sqlite_health
from offers_cli.storage.transfer import find_leftovers

SITE_SETTINGS = ("ML_BASE_URL", "OFFERS_ALLOW", "OFFERS_HTTP_PROXY", "REDIS_URL")

Look = Callable[[], Sequence[Finding]]


def list_checks(
    config: Config,
    settings_problems: Sequence[str],
    *,
    read_health: Callable[[], RedisHealth],
    queue: Registries,
    drift: DriftStore,
    alerts: AlertStore,
    schedule: Schedule,
    storage: Storage,
    pages: Pages,
    now: datetime,
) -> list[Check]:
    """All checks; what depends on a setting that cannot be read is not looked at.

    Args:
        settings_problems: what is wrong with the settings, as `examine_config` returns it.
        read_health: asks Redis about itself.
        queue, drift, alerts, schedule, storage, pages: opened at their first use, so that each check finds out by
            itself.
    """

    def check(*names: str, look: Look, late: type[OffersError], settings: tuple[str, ...]) -> Check:
        if any(problem.startswith(settings) for problem in settings_problems):
            return Check(names=names, look=lambda: [Finding(names[0], "unknown", "not looked at: see settings")])
        return Check(names=names, look=look, late=late)

    first = [
        Check(names=("settings",), look=lambda: look_at_settings(config, settings_problems)),
        Check(names=("python",), look=look_at_python),
        Check(names=("home",), look=lambda: look_at_home(config.home)),
    ]
    try:
        check_home(config.home)
    except ConfigError:  # nothing is created in somebody else's home, not even by looking
        return first

    def look_at_redis() -> list[Finding]:
        url = config.enrichment.redis_url
        address = without_query(url.reveal()) if url else None
        found = look_at_queue(read_health=read_health, queue=queue, address=address)
        answers = len(found) > 1
        if not answers:
            return found
        label = config.marketplace.affiliate_tag
        told = look_at_alerts(alerts, config.alerts.urls)
        return [*found, look_at_pages(drift), look_at_label(label, queue.put_off()), told, look_at_schedule(schedule)]

    def look_at_disks() -> Sequence[Finding]:
        folder = config.database.sqlite_path.parent
        leftovers = [file for each in {folder, config.home / "backups"} for file in find_leftovers(each)]
        return look_at_disk(config.home, folder, leftovers=leftovers)

    def look_at_database() -> Sequence[Finding]:
        settings = config.database
        if storage_kind(settings) == "sqlite":
            return database.look_at_sqlite(settings.sqlite_path, read_health=read_sqlite_health)
        url, anon_key = settings.supabase_url or "", settings.supabase_anon_key
        return database.look_at_supabase(
            count_offers=lambda: _count_offers(settings, storage),
            find_open_tables=lambda: find_open_tables(url, anon_key),
            has_anon_key=anon_key is not None,
        )

    session = SessionFile(config.home / "session.json")
    return [
        *first,
        Check(names=("disk",), look=look_at_disks),
        check(
            *REDIS_NAMES,
            *("pages", "label", "alerts", "schedule"),
            look=look_at_redis,
            late=QueueUnavailable,
            settings=("REDIS_URL",),
        ),
        check(*database.NAMES, look=look_at_database, late=StorageUnavailable, settings=("OFFERS_DB", "SUPABASE_")),
        Check(names=("session",), look=lambda: look_at_session(session.load, now=now)),
        check("source", look=lambda: look_at_source(pages), late=SiteUnavailable, settings=SITE_SETTINGS),
    ]


def _count_offers(settings: DatabaseConfig, storage: Storage) -> int:
    if settings.supabase_key and is_public_key(settings.supabase_key):
        hint = "set SUPABASE_SERVICE_ROLE_KEY to the service role (secret) key of this project"
        raise StorageRefused("SUPABASE_SERVICE_ROLE_KEY holds the public key, which may do nothing", hint=hint)
    return storage.counts().total
