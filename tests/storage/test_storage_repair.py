"""Conformance: addresses that an older version stored and no offer may have, repaired on every storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from storage.cases import EVERYTHING, UNFIT_URLS, at, card, failure, history, needing, page, save, stored

from offers_cli.errors import StorageBusy
from offers_cli.offer import Offer, url_problem
from offers_cli.queue.enqueue import EnqueueReport
from offers_cli.queue.job import EnrichmentJob
from offers_cli.services.enqueue_missing import EnqueueMissingReport, enqueue_missing
from offers_cli.services.repair import repair, sound_url
from offers_cli.storage.base import Storage, StoredOffer, UrlRepair
from offers_cli.storage.rules import new_offer

LONG = "https://produto.mercadolivre.com.br/MLB-1#" + "x" * 3_000

Plant = Callable[..., list[str]]


@pytest.fixture
def plant(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Stores cards as the version did that took any address; returns the offers' ids."""

    def planted(*cards: Offer, minute: float = 0) -> list[str]:
        with monkeypatch.context() as older:
            older.setattr("offers_cli.storage.validation.url_problem", lambda _url: None)
            return [saved.offer_id for saved in save(storage, *cards, minute=minute)]

    return planted


def enqueue(storage: Storage, limit: int, *, dry_run: bool = False) -> tuple[EnqueueMissingReport, list[str]]:
    """What is told, and which offers were handed to the queue."""
    queued: list[str] = []

    def take(jobs: Sequence[EnrichmentJob], **_: object) -> EnqueueReport:
        queued.extend(job.offer_id for job in jobs)
        return EnqueueReport(enqueued=len(queued), already_queued=0)

    queue: Any = SimpleNamespace(enqueue=take, time=at(60).timestamp)
    report = enqueue_missing(storage=storage, queue=queue, missing=EVERYTHING, limit=limit, dry_run=dry_run)
    return report, queued


def test_offers_that_cannot_be_queued_do_not_stand_before_the_others(storage: Storage, plant: Plant) -> None:
    """They are named once, and eat up no limit: not in that call, and not in the next."""
    unfit = plant(*(card(number, url=url) for number, url in enumerate(UNFIT_URLS)))
    good = plant(*(card(100 + number) for number in range(5)), minute=1)
    would, queued = enqueue(storage, 3, dry_run=True)
    assert (would.would_enqueue, would.refused, queued) == (3, len(unfit), [])
    report, queued = enqueue(storage, 3)
    assert len(queued) == len(set(queued) & set(good)) == 3
    assert (report.found, report.enqueued, report.refused) == (3 + len(unfit), 3, len(unfit))
    assert {problem.offer_id for problem in report.problems} == set(unfit)
    assert all(problem.hint == "offers db repair --dry-run" for problem in report.problems)
    assert "secret" not in str(report)
    assert set(needing(storage, EVERYTHING)) == set(good)
    again, queued = enqueue(storage, 5)
    assert (again.found, again.refused, set(queued)) == (5, 0, set(good))


def test_a_clock_that_went_back_ends_the_search_too(storage: Storage, plant: Plant) -> None:
    """What cannot be recorded now stays in front, but nothing is asked for ever."""
    [unfit] = plant(card(1, url=LONG), minute=90)
    [good] = plant(card(2), minute=91)
    report, queued = enqueue(storage, 10)
    assert (report.refused, queued) == (1, [good])
    assert set(needing(storage, EVERYTHING)) == {unfit, good}


def test_repair_takes_user_names_out_and_makes_long_addresses_anew(storage: Storage, plant: Plant) -> None:
    with_name = card(1, url="https://user:secret@www.mercadolivre.com.br/p/MLB1")
    shop = card(3, url="https://shop.test/" + "x" * 3_000, marketplace="schema_org")
    named, long, lost, good = plant(with_name, card(2, url=LONG, item_id="MLB2"), shop, card(4))
    enqueue(storage, 10)
    would = repair(storage=storage, dry_run=True)
    assert stored(storage, named).enrich_error == "forbidden_url"
    report = repair(storage=storage)
    assert {change.offer_id: change.url for change in report.changes} == {
        named: "https://www.mercadolivre.com.br/p/MLB1",
        long: "https://produto.mercadolivre.com.br/MLB-2",
        lost: None,
    }
    assert would.data() == report.data() | {"dry_run": True}
    assert (report.offers, report.data()["repaired"], report.data()["removed"]) == (4, 2, 1)
    assert "secret" not in str(report.data())
    assert stored(storage, named).url == "https://www.mercadolivre.com.br/p/MLB1"
    assert storage.find_offer(lost) is None
    assert history(storage, lost) == []
    assert set(needing(storage, EVERYTHING)) == {named, long, good}, "what was given up for its address is asked for"
    assert repair(storage=storage).changes == ()


def test_repair_leaves_alone_what_others_changed_meanwhile(storage: Storage, plant: Plant) -> None:
    """A listing that shows the offer under a sound address has repaired it already."""
    ids = plant(card(1, url=LONG), card(2, url=LONG))
    save(storage, card(1), card(2), minute=5)
    repairs = [
        UrlRepair(offer_id=ids[0], url=LONG, new_url="https://produto.example/other"),
        UrlRepair(offer_id=ids[1], url=LONG, new_url=None),
    ]
    assert storage.repair_urls(repairs) == frozenset()
    assert [stored(storage, offer_id).url for offer_id in ids] == [card(1).url, card(2).url]


def test_the_same_repair_again_is_told_as_at_first(storage: Storage, plant: Plant) -> None:
    """An answer that was lost on its way is asked for again."""
    ids = plant(card(1, url=LONG), card(2, url=LONG))
    repairs = [
        UrlRepair(offer_id=ids[0], url=LONG, new_url="https://produto.example/MLB-1"),
        UrlRepair(offer_id=ids[1], url=LONG, new_url=None),
    ]
    assert storage.repair_urls(repairs) == storage.repair_urls(repairs) == set(ids)


def test_what_was_read_stays_when_an_address_is_repaired(storage: Storage, plant: Plant) -> None:
    """Only the mark of a bad address is taken away; another failure's, and the time of a read page, stay."""
    read, failed = plant(card(1, url=LONG), card(2, url=LONG))
    storage.save_enrichments([page(read, 5, old_price_cents=20_000)], [failure(failed, 5)])
    before = [stored(storage, offer_id) for offer_id in (read, failed)]
    storage.repair_urls([UrlRepair(offer_id=each.id, url=LONG, new_url=card(7).url) for each in before])
    assert [stored(storage, each.id) for each in before] == [replace(each, url=card(7).url) for each in before]


def offer(url: str, **shown: str) -> StoredOffer:
    return new_offer(card(5, url=url, **shown), offer_id="o", seen_at=at(0))


@pytest.mark.parametrize("url", [*UNFIT_URLS, "", LONG])
def test_a_sound_address_is_found_by_the_ids_of_mercado_livre(url: str) -> None:
    """At another shop only a user name can be taken away."""
    assert url_problem(url)
    found = sound_url(offer(url, item_id="MLB5"))
    assert found
    assert not url_problem(found)
    elsewhere = sound_url(offer(url, marketplace="schema_org"))
    assert elsewhere is None or elsewhere in {"https://a.test/p/MLB1", "https://a.test/"}


def test_a_repair_that_broke_off_is_gone_on_with(
    storage: Storage, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers_cli.services.repair.BATCH", 1)
    plant(*(card(number, url=LONG, item_id=f"MLB{number}") for number in range(3)))
    asked: list[int] = []

    def stop(done: int) -> None:
        asked.append(done)
        if done == 2:
            raise StorageBusy("away")

    with pytest.raises(StorageBusy):
        repair(storage=storage, on_progress=stop)
    assert (asked, len(repair(storage=storage).changes)) == ([1, 2], 1)
