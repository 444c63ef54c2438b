"""What is gathered while pages are read, and what is logged when they change."""

from __future__ import annotations

import io
from collections.abc import Sequence

from drift_fakes import DriftMemory

from offers_cli.drift.detect import DriftWarning, FieldCounts
from offers_cli.drift.watch import COMPARED_EVERY, DriftWatch
from offers_cli.errors import QueueUnavailable
from offers_cli.log import configure_logging
from offers_cli.services.doctor.site import look_at_pages

LOST = DriftWarning(source="shop product", field="price_cents", message="price_cents found on 10% of the last pages")


def test_a_change_is_logged_once_and_soon() -> None:
    stream = io.StringIO()
    configure_logging(verbosity=0, json_lines=False, stream=lambda: stream)
    store = DriftMemory(LOST)
    watch = DriftWatch(store)
    for _ in range(3 * COMPARED_EVERY):
        watch.saw_changed("shop", "product")
        watch.flush()
    assert sum(count for _, count in store.recorded) == 3 * COMPARED_EVERY
    assert stream.getvalue().count("the pages have changed") == 1
    assert "price_cents" in stream.getvalue()


def test_a_redis_that_is_gone_fails_nothing() -> None:
    """And what could not be written is not kept for later."""

    class GoneStore(DriftMemory):
        def record(self, source: str, pages: Sequence[FieldCounts]) -> None:
            super().record(source, pages)
            raise QueueUnavailable("gone")

    store = GoneStore()
    watch = DriftWatch(store)
    watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert len(store.recorded) == 1


def test_pages_gathered_between_flushes_are_written_together() -> None:
    store = DriftMemory()
    watch = DriftWatch(store)
    for _ in range(4):
        watch.saw_changed("shop", "product")
    watch.flush()
    watch.flush()
    assert store.recorded == [("shop product", 4)]


def test_the_doctor_tells_of_changed_pages() -> None:
    finding = look_at_pages(DriftMemory(LOST))
    assert (finding.name, finding.state) == ("pages", "warning")
    assert "10%" in finding.evidence
    assert finding.advice == "offers failed --reason page_changed"
    assert look_at_pages(DriftMemory()).state == "ok"
