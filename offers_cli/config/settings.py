"""Every setting: its variable, section, type, default, rules and meaning, declared once.

The loader, `config show`, the reference page and the `.env` that `init` writes are all derived from `SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from offers_cli.config.values import (
    BOOLEAN,
    FILE,
    TIME_ZONE,
    WORDS,
    Secret,
    ValueKind,
    address,
    choice,
    duration,
    fit_for_key,
    matching,
    number,
    one_line,
    secret,
    secret_addresses,
    shares,
    whole_number,
    without_user,
)
from offers_cli.language import LANGUAGES, Language

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def _setting(name: str, kind: ValueKind, default: Any, doc: str, *, aliases: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"name": name, "kind": kind, "doc": doc, "aliases": aliases})


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichmentConfig:
    """The queue and its workers."""

    redis_url: Secret | None = _setting(
        "REDIS_URL",
        address(
            "redis",
            "rediss",
            "unix",
            "redis+sentinel",
            "rediss+sentinel",
            example="redis://localhost:6379/0",
            secret=True,
        ),
        None,
        "Redis to use: redis://host:6379/0, rediss://, unix:///path/redis.sock, or Sentinels, "
        "redis+sentinel://host:26379,host:26379/service; options are in docs/redis.md. "
        "Without it offers runs its own on a private socket.",
    )
    queue_name: str = _setting(
        "ENRICHMENT_QUEUE_NAME",
        matching(r"[A-Za-z0-9._-]+", "a name of letters, digits, dots, dashes and underscores, such as enrichment"),
        "enrichment",
        "Name of the RQ queue.",
    )
    worker_concurrency: int | Literal["auto"] = _setting(
        "ENRICHMENT_WORKER_CONCURRENCY",
        whole_number(1, 256, example=3, or_word="auto"),
        "auto",
        "Jobs that one worker process runs at once; auto: at least 3, and as many as the allowed pace needs.",
    )
    request_delay_s: float = _setting(
        "ENRICHMENT_REQUEST_DELAY_S",
        number(0, 3600, example=0.5),
        0.5,
        "Least time in seconds between two requests to one host, over all workers together.",
    )
    job_timeout_s: float = _setting(
        "ENRICHMENT_JOB_TIMEOUT", duration(1, 86400), 600.0, "One job's limit: 90, 90s, 10m, 1h."
    )
    retry_delay_s: float = _setting(
        "ENRICHMENT_RETRY_DELAY_S",
        duration(0, 3600),
        10.0,
        "Wait before the second attempt when the site did not answer; the third waits six times as long.",
    )
    blocked_pause_s: float = _setting(
        "ENRICHMENT_BLOCKED_PAUSE_S",
        duration(0.1, 3600),
        10.0,
        "First pause of a host that shows a wall; it doubles until a page is served again, up to an hour.",
    )
    pages_as: Literal["guest", "session"] = _setting(
        "ENRICHMENT_PAGES_AS",
        choice("guest", "session"),
        "guest",
        "Fetch product pages as a guest, or with your own login where a session is imported; docs/ways-in.md.",
    )
    trust_cards: bool = _setting(
        "ENRICHMENT_TRUST_CARDS",
        BOOLEAN,
        default=False,
        doc="Take a card without a struck price at its word: no product page is fetched for it; docs/fetching.md has "
        "what that may miss.",
    )
    home: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Where the offers are kept."""

    supabase_url: str | None = _setting(
        "SUPABASE_URL",
        address("https", "http", example="https://abcdefgh.supabase.co", check=fit_for_key),
        None,
        "Address of the Supabase project; with a key, offers are kept there. Plain http:// on this machine only.",
    )
    supabase_key: Secret | None = _setting(
        "SUPABASE_SERVICE_ROLE_KEY",
        secret(),
        None,
        "Service role key of the Supabase project.",
        aliases=("SUPABASE_KEY",),
    )
    supabase_anon_key: Secret | None = _setting(
        "SUPABASE_ANON_KEY",
        secret(),
        None,
        "Public key of the Supabase project, used by `offers doctor` alone: to see that it opens nothing.",
        aliases=("SUPABASE_PUBLISHABLE_KEY",),
    )
    supabase_db_url: Secret | None = _setting(
        "SUPABASE_DB_URL",
        address("postgres", "postgresql", example="postgresql://user:password@host:5432/postgres", secret=True),
        None,
        "Postgres address of the Supabase project, used by `offers db migrate` alone.",
    )
    sqlite_path: Path = _setting(
        "OFFERS_DB", FILE, Path("offers.db"), "SQLite file; default: offers.db in OFFERS_HOME."
    )
    patience_s: float = _setting(
        "OFFERS_DB_PATIENCE",
        duration(0, 3600),
        60.0,
        "How long a command waits for a database that is locked, overloaded or away: 90, 90s, 10m.",
    )
    home: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceConfig:
    """The marketplace, and which offers are kept."""

    base_url: str = _setting(
        "ML_BASE_URL",
        address("https", "http", example="https://www.mercadolivre.com.br", check=without_user),
        "https://www.mercadolivre.com.br",
        "The marketplace's address; with another one everything is fetched from there.",
    )
    affiliate_tag: str | None = _setting(
        "ML_AFFILIATE_TAG",
        matching(r"[a-z0-9]+", "a label of small letters and digits, such as minhaloja"),
        None,
        "Your affiliate label (etiqueta); without it no links are made.",
    )
    min_discount_pct: int = _setting(
        "MIN_DISCOUNT_PCT",
        whole_number(0, 100, example=20),
        0,
        "Offers whose discount is known and below it are not saved.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchConfig:
    """How pages are fetched and kept."""

    allowed_hosts: tuple[str, ...] = _setting(
        "OFFERS_ALLOWED_HOSTS", WORDS, (), "The hosts that may be fetched, comma-separated; else the marketplaces'."
    )
    allow_private_hosts: bool = _setting(
        "OFFERS_ALLOW_PRIVATE_HOSTS",
        BOOLEAN,
        default=False,
        doc="Permit loopback and private addresses, other ports and plain http.",
    )
    http_proxy: Secret | None = _setting(
        "OFFERS_HTTP_PROXY",
        address("http", "https", example="http://proxy.example:3128", secret=True, many=True),
        None,
        "One or more proxies that pages are fetched through, comma-separated.",
    )
    snapshots: Literal["off", "failures", "all"] = _setting(
        "OFFERS_SNAPSHOTS",
        choice("off", "failures", "all"),
        "failures",
        "Which fetched pages are kept for explain and replay: off, failures, all.",
    )
    snapshots_max_mb: int = _setting(
        "OFFERS_SNAPSHOTS_MAX_MB",
        whole_number(1, 10**6, example=500),
        500,
        "What the kept pages may take on disk; the oldest go first.",
    )
    snapshots_max_age_s: float = _setting(
        "OFFERS_SNAPSHOTS_MAX_AGE", duration(60, 10_000 * 86400), 30 * 86400.0, "How long a page is kept, such as 30d."
    )
    ignore_robots: bool = _setting(
        "OFFERS_IGNORE_ROBOTS",
        BOOLEAN,
        default=False,
        doc="Do not ask hosts for their robots.txt, nor obey it: you have their consent, or decided so.",
    )
    user_agent: str | None = _setting(
        "OFFERS_USER_AGENT",
        matching(r"[!-~]+(?: [!-~]+)*", "ASCII text, such as myshop/1.0 (me@example.com)"),
        None,
        "The User-Agent to send instead of the default one, which names `offers` and its version.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardConfig:
    """Who may see the dashboard."""

    token: Secret | None = _setting(
        "OFFERS_DASHBOARD_TOKEN",
        secret(shortest=16),
        None,
        "Asked for by the dashboard; needed for any host but loopback. At least 16 characters: openssl rand -hex 24.",
    )
    hosts: tuple[str, ...] = _setting(
        "OFFERS_DASHBOARD_HOSTS",
        WORDS,
        (),
        "More names under which the dashboard may be asked for, comma-separated, such as a reverse proxy's.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DealsConfig:
    """How deals are scored."""

    weights: tuple[tuple[str, int], ...] = _setting(
        "OFFERS_DEAL_WEIGHTS",
        shares(reduction=45, low=30, record=15, charged=10),
        (("reduction", 45), ("low", 30), ("record", 15), ("charged", 10)),
        "The most points of each reason of a deal, 100 in all; docs/deals.md says what earns them.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsConfig:
    """Where alerts go."""

    urls: Secret | None = _setting(
        "OFFERS_ALERT_URLS",
        secret_addresses(example="tgram://TOKEN/CHAT"),
        None,
        "Apprise addresses that get the alerts, comma-separated; docs/alerts.md. Needs the extra notify.",
    )
    no_scrape_s: float = _setting(
        "OFFERS_ALERT_NO_SCRAPE",
        duration(600, 366 * 86400),
        86400.0,
        "Tell when no scrape was done for so long, such as 6h; of who never scraped nothing is told.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What is logged while working."""

    format: Literal["text", "json"] = _setting(
        "OFFERS_LOG_FORMAT", choice("text", "json"), "text", "Log lines as text or json."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayConfig:
    """How results are shown to people."""

    language: Language | None = _setting(
        "OFFERS_LANG",
        choice(*LANGUAGES),
        None,
        "Language of help, messages, tables and the dashboard: en or pt-BR; default: the locale's. "
        "JSON stays as it is.",
    )
    time_zone: ZoneInfo | None = _setting(
        "OFFERS_TZ",
        TIME_ZONE,
        None,
        "Time zone of the times shown to people, such as America/Sao_Paulo; default: the machine's. JSON stays in UTC.",
    )


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
    deals: DealsConfig
    alerts: AlertsConfig
    dashboard: DashboardConfig
    log: LogConfig
    display: DisplayConfig
    origins: Mapping[str, Origin]
    notices: tuple[Notice, ...] = ()


SECTIONS: dict[str, type] = {
    "enrichment": EnrichmentConfig,
    "database": DatabaseConfig,
    "marketplace": MarketplaceConfig,
    "fetch": FetchConfig,
    "deals": DealsConfig,
    "alerts": AlertsConfig,
    "dashboard": DashboardConfig,
    "log": LogConfig,
    "display": DisplayConfig,
}
HOME_DOC = "Database, embedded Redis, session, snapshots, logs; created with mode 0700."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its variable, where it lives in `Config`, and how its text is read."""

    name: str
    section: str
    attribute: str
    kind: ValueKind
    default: Any
    doc: str
    aliases: tuple[str, ...]

    @property
    def secret(self) -> bool:
        """Whether the value is shown masked."""
        return self.kind.secret

    @property
    def is_address(self) -> bool:
        """Whether of the value only a password is masked, not its host and path."""
        return bool(self.kind.schemes)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it may be given under, the canonical one first."""
        return (self.name, *self.aliases)

    def written(self, value: Any) -> str:
        """A value of it as it is written in a `.env`; nothing for one that is not set."""
        return "" if value is None else self.kind.write(value)

    def parse(self, text: str) -> Any:
        """The value of a text that is not empty; raises `ValueError`, whose message never quotes a secret."""
        return self.kind.parse(text if self.kind.many else one_line(text))  # what separates many may be a line break


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(section=section, attribute=spec.name, default=spec.default, **spec.metadata)
    for section, cls in SECTIONS.items()
    for spec in fields(cls)
    if "kind" in spec.metadata
)
