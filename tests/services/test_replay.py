"""Kept pages read again: what they tell now is saved, what they were kept for is done, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import redis
from queue_fakes import Database, enqueue, make_worker, raising
from services.kept_pages import keep
from storage.cases import card, page, save, stored

from offers_cli.errors import PageChanged
from offers_cli.fetch.snapshots import Snapshots
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.queue.registries import Registries
from offers_cli.services import replay as service
from offers_cli.services.replay import ReplayReport
from offers_cli.storage.base import Storage

Replay = Callable[..., ReplayReport]


@pytest.fixture
def replay(database: Storage, snapshots: Snapshots, connection: redis.Redis) -> Replay:
    return partial(
        service.replay,
        snapshots=snapshots,
        storage=database,
        queue=Registries(connection),
        marketplace_for=lambda _url: MercadoLivre(),
    )


def test_a_page_that_can_be_read_now_mends_its_offer_and_its_failed_job_is_forgotten(
    replay: Replay, database: Storage, snapshots: Snapshots, connection: redis.Redis
) -> None:
    [offer] = save(database)
    keep(snapshots, "product_pix_price", offer.offer_id)
    enqueue(connection, [offer.offer_id])
    make_worker(connection, Database(), raising(PageChanged("no price"))).run(burst=True)
    report = replay()
    assert report.data() == {
        "found": 1,
        "mended": 1,
        "unchanged": 0,
        "superseded": 0,
        "unreadable": 0,
        "forgotten": 1,
        "dry_run": False,
        "changes": [],
    }
    assert stored(database, offer.offer_id).old_price_cents == 389_900
    assert Registries(connection).failures() == {}
    again = replay()
    assert (again.mended, again.unchanged) == (0, 1), "a page that says what is saved already mends nothing"
    assert (replay(dry_run=True).unchanged, replay(dry_run=True).changes) == (1, ())


def test_a_dry_run_shows_what_the_pages_tell_and_changes_nothing(
    replay: Replay, database: Storage, snapshots: Snapshots
) -> None:
    [offer] = save(database)
    keep(snapshots, "product_pix_price", offer.offer_id)
    report = replay(dry_run=True)
    assert (report.found, report.mended, report.dry_run) == (1, 1, True)
    [change] = report.changes
    assert (change["offer_id"], change["price_cents"]) == (offer.offer_id, 318_531)
    assert (change["old_price_cents"], change["discount_pct"]) == (389_900, 18)
    assert {"price_condition", "card_price_cents"} <= set(change)
    assert stored(database, offer.offer_id).old_price_cents is None


def test_what_is_newer_in_the_database_stands(replay: Replay, database: Storage, snapshots: Snapshots) -> None:
    [offer] = save(database)
    keep(snapshots, "product_pix_price", offer.offer_id, minute=1)
    database.save_enrichments([page(offer.offer_id, 2, old_price_cents=12_000)])
    report = replay()
    assert (report.mended, report.superseded) == (0, 1)
    assert stored(database, offer.offer_id).old_price_cents == 12_000


def test_of_several_pages_of_one_offer_the_newest_counts_and_pages_of_none_are_left_out(
    replay: Replay, database: Storage, snapshots: Snapshots
) -> None:
    [offer] = save(database)
    keep(snapshots, "product_renamed_classes", offer.offer_id, minute=1)
    keep(snapshots, "product_pix_price", offer.offer_id, minute=2)
    keep(snapshots, "wall_captcha", "", code="page_blocked")
    report = replay()
    assert (report.found, report.mended, report.problems) == (1, 1, ())


def test_pages_that_still_cannot_be_read_are_counted_and_only_changed_ones_are_problems(
    replay: Replay, database: Storage, snapshots: Snapshots
) -> None:
    """A wall says nothing of the offer, an ended offer is marked as gone, a page that has changed wants a look."""
    gone, walled, changed = save(database, *(card(number) for number in range(3)))
    keep(snapshots, "product_paused_item", gone.offer_id)
    keep(snapshots, "wall_captcha", walled.offer_id, code="page_blocked")
    keep(snapshots, "product_prices_contradict", changed.offer_id)
    report = replay()
    assert (report.found, report.mended, report.unreadable) == (3, 0, 3)
    [problem] = report.problems
    assert (problem.code, problem.offer_id, problem.exit_code) == ("page_changed", changed.offer_id, 1)
    assert stored(database, gone.offer_id).status == "gone"
    assert stored(database, walled.offer_id).status == "active"


def test_only_pages_kept_for_one_reason_are_replayed(replay: Replay, database: Storage, snapshots: Snapshots) -> None:
    [offer] = save(database)
    keep(snapshots, "product_pix_price", offer.offer_id, code="page_changed")
    assert replay(reason="not_html").found == 0
    assert replay(reason="page_changed").found == 1


def test_a_kept_page_that_is_gone_from_the_disk_is_told(
    replay: Replay, database: Storage, snapshots: Snapshots, tmp_path: Path
) -> None:
    [offer] = save(database)
    keep(snapshots, "product_pix_price", offer.offer_id)
    for file in (tmp_path / "snapshots" / "pages").iterdir():
        file.unlink()
    report = replay()
    assert (report.unreadable, [problem.code for problem in report.problems]) == (1, ["not_found"])
