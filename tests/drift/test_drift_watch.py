"""What is gathered while pages are read, and what is logged when they change."""

from __future__ import annotations

import io

from offers_cli.drift.detect import DriftWarning, Tally
from offers_cli.drift.watch import JUDGED_EVERY, DriftWatch
from offers_cli.errors import QueueUnavailable
from offers_cli.log import configure_logging
from offers_cli.services.doctor.site import look_at_pages

LOST = DriftWarning(source="shop product", field="price_cents", message="price_cents found on 10% of the last pages")


def test_a_change_is_logged_once_and_soon() -> None:
    stream = io.StringIO()
    configure_logging(verbosity=0, json_lines=False, stream=lambda: stream)
    recorded: list[tuple[str, int]] = []
    watch = DriftWatch(lambda source, pages: recorded.append((source, len(list(pages)))), lambda: [LOST])
    for _ in range(3 * JUDGED_EVERY):
        watch.saw_changed("shop", "product")
        watch.flush()
    assert sum(count for _, count in recorded) == 3 * JUDGED_EVERY
    assert stream.getvalue().count("the pages have changed") == 1
    assert "price_cents" in stream.getvalue()


def test_a_redis_that_is_gone_fails_nothing() -> None:
    """And what could not be written is not kept for later."""
    asked: list[str] = []

    def refuse(source: str, _pages: object) -> None:
        asked.append(source)
        raise QueueUnavailable("gone")

    watch = DriftWatch(refuse)
    watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert len(asked) == 1


def test_tallies_gathered_between_flushes_are_written_together() -> None:
    recorded: list[list[Tally]] = []
    watch = DriftWatch(lambda _source, pages: recorded.append(list(pages)))
    for _ in range(4):
        watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert [len(pages) for pages in recorded] == [4]


class Ledger:
    def __init__(self, found: list[DriftWarning]) -> None:
        self._found = found

    def warnings(self) -> list[DriftWarning]:
        return self._found


def test_the_doctor_tells_of_changed_pages() -> None:
    finding = look_at_pages(Ledger([LOST]))
    assert (finding.name, finding.state) == ("pages", "warning")
    assert "10%" in finding.evidence
    assert finding.advice == "offers failed --reason page_changed"
    assert look_at_pages(Ledger([])).state == "ok"
