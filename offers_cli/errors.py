"""Every error that `offers` raises on purpose.

    OffersError                      code, message, hint, exit_code
    ├── UsageError                   2  usage
    ├── ConfigError                  3  config_invalid
    ├── NotFound                     2  not_found
    ├── Ambiguous                    2  ambiguous
    ├── Interrupted                130  interrupted
    └── WorkError                       (has an outcome: what the worker does next)
        ├── QueueUnavailable         4  queue_unavailable     snooze
        ├── QueueRefused             3  queue_refused         snooze
        ├── StorageUnavailable       4  storage_unavailable   snooze
        │   └── StorageBusy          4  storage_unavailable   snooze
        ├── StorageRefused           3  storage_refused       fail
        ├── SessionExpired           3  session_expired       snooze
        ├── LabelRefused             3  label_refused         snooze
        ├── LinkRefused              1  link_refused          final
        ├── Bug                      1  bug                   fail
        ├── HostPaused               (code and exit code of what paused it)  snooze
        └── PageError                   (about one page)
            ├── PageBlocked          5  page_blocked          snooze
            │   └── AlwaysBlocked    5  page_blocked          fail
            ├── RateLimited          5  rate_limited          snooze
            ├── PageChanged          5  page_changed          fail
            ├── ShopUnknown          5  shop_unknown          final
            ├── OfferGone            5  offer_gone            final
            ├── SiteUnavailable      4  site_unavailable      retry
            │   ├── NoAnswer         4  site_unavailable      retry
            │   └── ErrorPage        5  site_unavailable      retry
            ├── NotHtml              5  not_html              fail
            ├── TooLarge             5  too_large             fail
            ├── ForbiddenUrl         2  forbidden_url         final
            ├── RobotsForbidden      5  robots_forbidden      final
            └── Redirected           5  redirect              fail

The message says what, which and why; the hint is the next command to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar


class Outcome(StrEnum):
    """What happens to a job whose work raised an error."""

    FINAL = "final"
    """No retry: the offer is marked and not enqueued again."""
    SNOOZE = "snooze"
    """The host or service pauses; the job goes back without spending an attempt."""
    RETRY = "retry"
    """Three attempts with growing waits, then failed."""
    FAIL = "fail"
    """Failed at once; the page is kept."""


class OffersError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what happened, to which thing, and why. Never holds a secret.
        hint: the next command to run, or what to change.
    """

    code: str = "error"
    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(OffersError):
    """The command line asks for something that cannot be done."""

    code = "usage"
    exit_code = 2


class NotFound(OffersError):
    """The named offer, file or run does not exist."""

    code = "not_found"
    exit_code = 2


class Ambiguous(OffersError):
    """A name fits several offers.

    Args:
        candidates: the offers, each a `StoredOffer`.
    """

    code = "ambiguous"
    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", candidates: Sequence[Any]) -> None:
        super().__init__(message, hint=hint)
        self.candidates = tuple(candidates)


class ConfigError(OffersError):
    """One or more settings are wrong; the message names them all, each on a line of its own."""

    code = "config_invalid"
    exit_code = 3

    def __init__(self, *problems: str, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems


class Interrupted(OffersError):
    """The operator pressed Ctrl-C; what was saved stays saved."""

    code = "interrupted"
    exit_code = 130


class WorkError(OffersError):
    """An error that tells the worker what to do with the job.

    Args:
        retry_after_s: for snoozes, how long the other side asked us to wait.
    """

    outcome: ClassVar[Outcome] = Outcome.FAIL

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class QueueUnavailable(WorkError):
    """Redis does not answer."""

    code = "queue_unavailable"
    exit_code = 4
    outcome = Outcome.SNOOZE
    temporary = True


class QueueRefused(WorkError):
    """Redis answers, but will not do what is asked: wrong password, eviction on, read-only, out of memory.

    Args:
        temporary: it may do it later without anybody touching settings or rights (out of memory, a failover), so that
            a worker waits for it as for a Redis that does not answer.
    """

    code = "queue_refused"
    exit_code = 3
    outcome = Outcome.SNOOZE

    def __init__(self, message: str, *, hint: str = "", temporary: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary


class StorageUnavailable(WorkError):
    """The database does not answer, is locked or full."""

    code = "storage_unavailable"
    exit_code = 4
    outcome = Outcome.SNOOZE


class StorageBusy(StorageUnavailable):
    """It is locked, overloaded or away at this moment: the same request may succeed in the next."""


class StorageRefused(WorkError):
    """The database answers no: wrong key, read-only, missing schema, refused row."""

    code = "storage_refused"
    exit_code = 3
    outcome = Outcome.FAIL


class SessionExpired(WorkError):
    """The affiliate's login is missing, expired or restricted."""

    code = "session_expired"
    exit_code = 3
    outcome = Outcome.SNOOZE


class LabelRefused(WorkError):
    """The affiliate programme does not know the operator's label, or not as this account's."""

    code = "label_refused"
    exit_code = 3
    outcome = Outcome.SNOOZE


MEND_LABEL = "set ML_AFFILIATE_TAG to a label of this account's panel, then offers worker"


class LinkRefused(WorkError):
    """The affiliate programme refuses a link for this product."""

    code = "link_refused"
    outcome = Outcome.FINAL


class Bug(WorkError):
    """An unexpected exception while working on one job."""

    code = "bug"
    outcome = Outcome.FAIL


class HostPaused(WorkError):
    """A host is paused for everyone (a wall, a rate limit); nothing was asked of it.

    Args:
        host: the host as it stands in addresses, with its port when that is not the usual one.
        reason: why it is paused: the code of the error that paused it, and this error's own.
        seconds: how long the pause still lasts; also `retry_after_s`.
    """

    outcome = Outcome.SNOOZE

    def __init__(self, host: str, *, reason: str, seconds: float) -> None:
        super().__init__(
            f"{host} is paused for another {seconds:.0f} s",
            hint="wait, or see `offers stats` for what is paused",
            retry_after_s=seconds,
        )
        self.host = host
        self.reason = reason
        self.seconds = seconds
        self.code = reason
        self.exit_code = WORK_ERRORS.get(reason, PageBlocked).exit_code


class PageError(WorkError):
    """Something about one page.

    Args:
        reading: what the page told all the same (a `ProductReading` without a price), if it was read that far.

    Attributes:
        walls: how many times in a row this page alone was refused, while others of its host were served.
    """

    exit_code = 5

    def __init__(
        self, message: str, *, hint: str = "", retry_after_s: float | None = None, reading: Any = None
    ) -> None:
        super().__init__(message, hint=hint, retry_after_s=retry_after_s)
        self.reading = reading
        self.walls = 0


class PageBlocked(PageError):
    """A captcha, a login wall, an account verification, a JavaScript challenge, or 403."""

    code = "page_blocked"
    outcome = Outcome.SNOOZE


class AlwaysBlocked(PageBlocked):
    """A page that alone shows a wall whenever it is asked, while others of its host are served."""

    outcome = Outcome.FAIL


class RateLimited(PageError):
    """429: the site asks for fewer requests."""

    code = "rate_limited"
    outcome = Outcome.SNOOZE


class PageChanged(PageError):
    """A product or listing page whose price or cards cannot be found, or contradict each other."""

    code = "page_changed"
    outcome = Outcome.FAIL


class ShopUnknown(PageError):
    """A page without product data that any reader knows: the shop publishes none."""

    code = "shop_unknown"
    outcome = Outcome.FINAL


class OfferGone(PageError):
    """404, 410, ended, paused or out of stock."""

    code = "offer_gone"
    outcome = Outcome.FINAL


class SiteUnavailable(PageError):
    """Time-out, 5xx, no connection, or a name that leads nowhere or to a private address."""

    code = "site_unavailable"
    exit_code = 4
    outcome = Outcome.RETRY


class NoAnswer(SiteUnavailable):
    """The site was not reached, or said nothing: it says nothing of the page, or of whether it may be fetched."""


class ErrorPage(SiteUnavailable):
    """The site answered with its own error page."""

    exit_code = 5


class NotHtml(PageError):
    """The answer is neither HTML nor JSON: empty, binary, undecodable."""

    code = "not_html"
    outcome = Outcome.FAIL


class TooLarge(PageError):
    """The answer is larger than a page may be."""

    code = "too_large"
    outcome = Outcome.FAIL


class ForbiddenUrl(PageError):
    """An address that may not be fetched."""

    code = "forbidden_url"
    exit_code = 2
    outcome = Outcome.FINAL


class RobotsForbidden(PageError):
    """The host's robots.txt forbids this address, and `OFFERS_IGNORE_ROBOTS` is not set."""

    code = "robots_forbidden"
    outcome = Outcome.FINAL


class Redirected(PageError):
    """Too many hops, a host that is not allowed, or the page that answered shows another product."""

    code = "redirect"
    outcome = Outcome.FAIL


WORK_ERRORS: dict[str, type[WorkError]] = {
    error.code: error
    for error in (
        PageBlocked,
        PageChanged,
        ShopUnknown,
        OfferGone,
        RateLimited,
        SiteUnavailable,
        NotHtml,
        TooLarge,
        ForbiddenUrl,
        RobotsForbidden,
        Redirected,
        StorageUnavailable,
        StorageRefused,
        SessionExpired,
        LabelRefused,
        LinkRefused,
        QueueUnavailable,
        QueueRefused,
        Bug,
    )
}
"""Every failure code of a job and the error that carries it."""
