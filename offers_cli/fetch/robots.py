"""robots.txt of every host, asked once and obeyed (RFC 9309), until the operator decides otherwise."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from offers_cli.errors import NoAnswer, NotHtml, RobotsForbidden, SiteUnavailable
from offers_cli.fetch.guard import SafeUrl
from offers_cli.files import write_atomic
from offers_cli.log import get_log

if TYPE_CHECKING:
    from protego import Protego

PRODUCT_TOKEN = "offers"  # noqa: S105 - the name that robots.txt knows us by
CACHE_S = 3600.0
ASK_AGAIN_S = 60.0
"""After a robots.txt could not be had; until then its host is not asked for another one."""
STALE_S = 86_400.0
"""Rules that cannot be renewed hold for so long (RFC 9309, 2.4)."""
MAX_ROBOTS_BYTES = 512 * 1024
"""RFC 9309 asks for 500 KiB at least; what stands behind is not read."""
DECIDE = "set OFFERS_IGNORE_ROBOTS=true, or give --ignore-robots, if you may"

_AGENT = re.compile(r"\s*user[ -]?agent\s*(?::|\s)\s*(\*|[a-z_-]*)", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:allow|dis+al+[oa]w|diasllow)\b", re.IGNORECASE)

ReadText = Callable[[str], str]
"""Fetches the robots.txt of that address; empty when the host has none."""

log = get_log("enrichment")


def own_rules(text: str) -> str:
    """The rules of a robots.txt that are ours: of the groups for our name or, without any, of those for everyone.

    Groups of others are left out before anything is parsed: a file of a hundred thousand names and rules costs its
    length and no more.
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    names: set[str] = set()
    named_last = False
    for line in text.splitlines():
        if agent := _AGENT.match(line):
            names = {*(names if named_last else ()), agent[1].lower()}
            named_last = True
            for name in names & {"*", PRODUCT_TOKEN}:
                groups[name]  # a group without rules is one all the same: everything is allowed
        elif _RULE.match(line):
            named_last = False
            for name in names & {"*", PRODUCT_TOKEN}:
                groups[name].append(line)
    rules = groups[PRODUCT_TOKEN] if PRODUCT_TOKEN in groups else groups["*"]
    return "\n".join(["User-agent: *", *rules])


@dataclass(slots=True)
class _Site:
    """What is known of one host's robots.txt; `lock` is held while it is asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    rules: Protego | None = None
    read_at: float = 0.0
    ask_at: float = 0.0
    failure: str = ""
    hint: str = ""

    def learn(self, rules: str, *, read_at: float) -> None:
        """Go by these rules, as `own_rules` gives them, for an hour from then."""
        from protego import Protego

        self.rules, self.failure = Protego.parse(rules), ""
        self.read_at, self.ask_at = read_at, read_at + CACHE_S


class Robots:
    """Rules of each host, remembered for an hour; thread-safe.

    While one thread asks a host the others wait for its answer. A host whose robots.txt cannot be had is left alone,
    as RFC 9309 has it, unless rules that it gave within a day are at hand; it is asked again after a minute.

    Args:
        folder: where the rules are kept for other processes and the next command; None keeps them in memory alone.
        clock: seconds since 1970.
    """

    def __init__(self, folder: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._sites: defaultdict[str, _Site] = defaultdict(_Site)
        self._lock = threading.Lock()

    def check(self, url: SafeUrl, read_text: ReadText) -> None:
        """Return when the host's robots.txt allows that address.

        Raises:
            RobotsForbidden: it does not.
            SiteUnavailable: it cannot be had, or not be read: until it can, everything is forbidden.
            WorkError: the host refuses us, or is paused: what else `read_text` raises.
        """
        if not self._rules_of(url, read_text).can_fetch(url.url, PRODUCT_TOKEN):
            raise RobotsForbidden(
                f"robots.txt of {url.netloc} disallows {url.target.partition('?')[0][:120]}",
                hint=f"{DECIDE}; then offers requeue-failed --reason {RobotsForbidden.code}",
            )

    def _rules_of(self, url: SafeUrl, read_text: ReadText) -> Protego:
        address = f"{url.scheme}://{url.netloc}/robots.txt"
        with self._lock:
            site = self._sites[address]
        with site.lock:
            if not site.ask_at:
                self._recall(site, address)
            if self._clock() >= site.ask_at:
                self._ask(site, address, read_text)
            if site.rules is None or (site.failure and self._clock() > site.read_at + STALE_S):
                raise SiteUnavailable(site.failure, hint=site.hint)
            return site.rules

    def _ask(self, site: _Site, address: str, read_text: ReadText) -> None:
        try:
            text = read_text(address)
        except (SiteUnavailable, NotHtml) as error:
            site.ask_at = self._clock() + ASK_AGAIN_S
            site.failure, site.hint = error.message, error.hint
            if not isinstance(error, NoAnswer):
                host = urlsplit(address).netloc
                site.failure = f"{host} is left alone, because its robots.txt cannot be had: {error.message}"
                site.hint = DECIDE
            log.warning("robots.txt cannot be had", url=address, reason=error.message, hint=site.hint)
            return
        rules = own_rules(text)
        site.learn(rules, read_at=self._clock())
        if self._folder is not None:
            with suppress(OSError):  # such as a full disk: the next process asks for itself
                self._folder.mkdir(mode=0o700, exist_ok=True)  # not the home: looking alone makes none
                kept = f"# {site.read_at:.3f} {address}\n{rules}\n"
                write_atomic(_file(self._folder, address), kept.encode(), durable=False)

    def _recall(self, site: _Site, address: str) -> None:
        """Take the rules that another process kept, if they are of the last day."""
        if self._folder is None:
            return
        try:
            head, _, rules = _file(self._folder, address).read_text("utf-8").partition("\n")
            read_at = float(head.split()[1])
        except (OSError, ValueError, IndexError):
            return
        if 0 <= self._clock() - read_at <= STALE_S:
            site.learn(rules, read_at=read_at)


def _file(folder: Path, address: str) -> Path:
    return folder / f"{sha256(address.encode()).hexdigest()[:32]}.txt"
