"""The failures that a worker's report tells are those of its jobs, by the same codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from drift_fakes import DriftMemory
from storage.cases import card, failure, page, save

from offers_cli.drift.watch import DriftWatch
from offers_cli.offer import NO_SUCH_OFFER
from offers_cli.services.worker import ReportingWriter
from offers_cli.storage.sqlite.storage import SqliteStorage

NOWHERE = "00000000-0000-4000-8000-00000000000{}"


@pytest.fixture
def writer(tmp_path: Path) -> ReportingWriter:
    return ReportingWriter(SqliteStorage(tmp_path / "offers.db"), DriftWatch(DriftMemory()))


def test_an_offer_that_does_not_exist_has_one_code(writer: ReportingWriter) -> None:
    """Whatever its page said: a 404 of an offer that the database does not hold is no offer that is gone."""
    [known] = save(writer._storage, card())
    writer(
        [page(NOWHERE.format(1), 1)],
        [failure(NOWHERE.format(2), 1, "offer_gone", gone=True), failure(known.offer_id, 1, "page_changed")],
    )
    assert [(each.offer_id, each.code, each.message) for each in writer.reported] == [
        (NOWHERE.format(1), "storage_refused", NO_SUCH_OFFER),
        (NOWHERE.format(2), "storage_refused", NO_SUCH_OFFER),
        (known.offer_id, "page_changed", "it was page_changed"),
    ]


def test_a_value_that_cannot_be_stored_is_told(writer: ReportingWriter) -> None:
    [known] = save(writer._storage, card())
    writer([page(known.offer_id, 1, price_cents=-1)], [])
    [told] = writer.reported
    assert (told.offer_id, told.code) == (known.offer_id, "storage_refused")
    assert "price_cents is not a price" in told.message
