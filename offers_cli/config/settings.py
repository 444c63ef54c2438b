"""Every setting: its variable, section, type, default, rules and meaning, declared once.

The loader, `config show`, the reference page and the `.env` that `init` writes are all derived from `SETTINGS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from offers_cli.config.values import Duration, Secret, UrlWithPassword, Words


def _setting(name: str, default: Any, doc: str, **checks: Any) -> Any:
    return field(default=default, metadata={"name": name, "doc": doc, **checks})


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentConfig:
    """The queue and its workers."""

    redis_url: UrlWithPassword | None = _setting(
        "REDIS_URL",
        None,
        "Redis to use: redis://host:6379/0, rediss://, unix:///path/redis.sock, or Sentinels, "
        "redis+sentinel://host:26379,host:26379/service; options are in docs/redis.md. "
        "Without it offers runs its own on a private socket.",
        schemes=("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
    )
    queue_name: str = _setting(
        "ENRICHMENT_QUEUE_NAME", "enrichment", "Name of the RQ queue.", pattern=r"[A-Za-z0-9._-]+"
    )
    worker_concurrency: int = _setting(
        "ENRICHMENT_WORKER_CONCURRENCY", 3, "Jobs that one worker process runs at once.", least=1, most=256
    )
    request_delay_s: float = _setting(
        "ENRICHMENT_REQUEST_DELAY_S",
        0.5,
        "Least time in seconds between two requests to one host, over all workers together.",
        least=0,
        most=3600,
    )
    job_timeout_s: Duration = _setting(
        "ENRICHMENT_JOB_TIMEOUT", 600.0, "One job's limit: 90, 90s, 10m, 1h.", least=1, most=86400
    )
    retry_delay_s: Duration = _setting(
        "ENRICHMENT_RETRY_DELAY_S",
        10.0,
        "Wait before the second attempt when the site did not answer; the third waits six times as long.",
        least=0,
        most=3600,
    )
    blocked_pause_s: Duration = _setting(
        "ENRICHMENT_BLOCKED_PAUSE_S",
        10.0,
        "First pause of a host that shows a wall; it doubles until a page is served again, up to an hour.",
        least=0.1,
        most=3600,
    )
    home: Path = field(default=Path(), metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Where the offers are kept."""

    supabase_url: str | None = _setting(
        "SUPABASE_URL",
        None,
        "Address of the Supabase project; with a key, offers are kept there. Plain http:// on this machine only.",
        schemes=("https", "http"),
        carries_key=True,
    )
    supabase_key: Secret | None = _setting(
        "SUPABASE_SERVICE_ROLE_KEY", None, "Service role key of the Supabase project.", aliases=("SUPABASE_KEY",)
    )
    supabase_anon_key: Secret | None = _setting(
        "SUPABASE_ANON_KEY",
        None,
        "Public key of the Supabase project, used by `offers doctor` alone: to see that it opens nothing.",
        aliases=("SUPABASE_PUBLISHABLE_KEY",),
    )
    supabase_db_url: UrlWithPassword | None = _setting(
        "SUPABASE_DB_URL",
        None,
        "Postgres address of the Supabase project, used by `offers db migrate` alone.",
        schemes=("postgres", "postgresql"),
    )
    sqlite_path: Path = _setting("OFFERS_DB", Path("offers.db"), "SQLite file; default: offers.db in OFFERS_HOME.")
    patience_s: Duration = _setting(
        "OFFERS_DB_PATIENCE",
        60.0,
        "How long a command waits for a database that is locked, overloaded or away: 90, 90s, 10m.",
        least=0,
        most=3600,
    )
    home: Path = field(default=Path(), metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceConfig:
    """The marketplace, and which offers are kept."""

    base_url: str = _setting(
        "ML_BASE_URL",
        "https://www.mercadolivre.com.br",
        "The marketplace's address; with another one everything is fetched from there.",
        schemes=("https", "http"),
        without_user=True,
    )
    affiliate_tag: str | None = _setting(
        "ML_AFFILIATE_TAG", None, "Your affiliate label (etiqueta); without it no links are made.", pattern=r"[a-z0-9]+"
    )
    min_discount_pct: int = _setting(
        "MIN_DISCOUNT_PCT", 0, "Offers whose discount is known and below it are not saved.", least=0, most=100
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchConfig:
    """How pages are fetched and kept."""

    allowed_hosts: Words = _setting(
        "OFFERS_ALLOWED_HOSTS", (), "Hosts that may be fetched, comma-separated; default: the marketplaces' own."
    )
    allow_private_hosts: bool = _setting(
        "OFFERS_ALLOW_PRIVATE_HOSTS",
        default=False,
        doc="Permit loopback and private addresses, other ports and plain http.",
    )
    http_proxy: Annotated[Secret, "words"] | None = _setting(
        "OFFERS_HTTP_PROXY", None, "One or more egress proxies, comma-separated.", schemes=("http", "https")
    )
    snapshots: Literal["off", "failures", "all"] = _setting(
        "OFFERS_SNAPSHOTS", "failures", "Which fetched pages are kept for explain and replay: off, failures, all."
    )
    snapshots_max_mb: int = _setting(
        "OFFERS_SNAPSHOTS_MAX_MB",
        500,
        "What the kept pages may take on disk; the oldest go first.",
        least=1,
        most=10**6,
    )
    snapshots_max_age_s: Duration = _setting(
        "OFFERS_SNAPSHOTS_MAX_AGE", 30 * 86400.0, "How long a page is kept, such as 30d.", least=60, most=10**9
    )
    ignore_robots: bool = _setting(
        "OFFERS_IGNORE_ROBOTS",
        default=False,
        doc="Do not ask shops other than the marketplaces for their robots.txt: you have their consent.",
    )
    user_agent: str | None = _setting(
        "OFFERS_USER_AGENT",
        None,
        "The User-Agent to send instead of the default one, which names `offers` and its version.",
        pattern=r"[!-~]+(?: [!-~]+)*",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardConfig:
    """Who may see the dashboard."""

    token: Secret | None = _setting(
        "OFFERS_DASHBOARD_TOKEN",
        None,
        "Asked for by the dashboard; needed for any host but loopback. At least 16 characters: openssl rand -hex 24.",
        shortest=16,
    )
    hosts: Words = _setting(
        "OFFERS_DASHBOARD_HOSTS",
        (),
        "More names under which the dashboard may be asked for, comma-separated, such as a reverse proxy's.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What is told while working."""

    format: Literal["text", "json"] = _setting("OFFERS_LOG_FORMAT", "text", "Log lines as text or json.")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value came from: ``environment``, ``.env``, ``offers.toml`` or ``default``, and the file if any."""

    kind: str
    path: Path | None = None

    def __str__(self) -> str:
        return f"{self.kind} ({self.path})" if self.path else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the operator should know about the files of settings, though nothing is wrong with the settings.

    Attributes:
        kind: ``ignored``, a file that others can have written is not obeyed; ``exposed``, everybody can read secrets;
            ``redirected``, the working directory decides which store or queue is used.
        advice: the command that mends it; empty when nothing has to be mended.
    """

    kind: Literal["ignored", "exposed", "redirected"]
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. `origins` maps each variable's name to where its value came from."""

    home: Path
    enrichment: EnrichmentConfig
    database: DatabaseConfig
    marketplace: MarketplaceConfig
    fetch: FetchConfig
    dashboard: DashboardConfig
    log: LogConfig
    origins: Mapping[str, Origin]
    notices: tuple[Notice, ...] = ()


SECTIONS: dict[str, type] = {
    "enrichment": EnrichmentConfig,
    "database": DatabaseConfig,
    "marketplace": MarketplaceConfig,
    "fetch": FetchConfig,
    "dashboard": DashboardConfig,
    "log": LogConfig,
}
HOME_DOC = "Database, embedded Redis, session, snapshots, logs; created with mode 0700."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its variable, where it lives in `Config`, its type and its rules."""

    name: str
    section: str
    attribute: str
    type: Any
    default: Any
    doc: str
    aliases: tuple[str, ...]
    checks: Mapping[str, Any]

    @property
    def secret(self) -> bool:
        """Whether the value is shown masked."""
        return Secret in _flatten(self.type)

    @property
    def kind(self) -> str | None:
        """How its text is read where the type does not tell: ``duration``, ``words``, ``url``."""
        return next((part for part in _flatten(self.type) if isinstance(part, str)), None)

    @property
    def plain_type(self) -> Any:
        """The type without markers and ``None``; the whole annotation for a choice of words."""
        return next(part for part in _flatten(self.type) if part is not type(None))

    @property
    def is_address(self) -> bool:
        return self.kind == "url" or "schemes" in self.checks

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


def _flatten(annotation: Any) -> list[Any]:
    """The plain types and markers inside ``Annotated[X, marker] | None``."""
    if get_origin(annotation) in (Union, UnionType):
        return [part for arg in get_args(annotation) for part in _flatten(arg)]
    if get_origin(annotation) is Annotated:
        return [part for arg in get_args(annotation) for part in _flatten(arg)]
    return [annotation]


def _declared() -> tuple[Setting, ...]:
    found = []
    for section, cls in SECTIONS.items():
        hints = get_type_hints(cls, include_extras=True)
        for spec in dataclasses.fields(cls):
            if "name" in spec.metadata:
                checks = {k: v for k, v in spec.metadata.items() if k not in ("name", "doc", "aliases")}
                found.append(
                    Setting(
                        name=spec.metadata["name"],
                        section=section,
                        attribute=spec.name,
                        type=hints[spec.name],
                        default=spec.default,
                        doc=spec.metadata["doc"],
                        aliases=spec.metadata.get("aliases", ()),
                        checks=checks,
                    )
                )
    return tuple(found)


SETTINGS: tuple[Setting, ...] = _declared()
