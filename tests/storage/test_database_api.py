"""The Python API of the database, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from storage.cases import ALL_FACTS, EVERYTHING, at, card, run, save
from supabase_server.lite import SupabaseProject

import offers_cli
from offers_cli import DatabaseService, get_session, init_db
from offers_cli.config import DatabaseConfig, Secret
from offers_cli.errors import ConfigError, NotFound, StorageRefused, StorageUnavailable
from offers_cli.offer import PriceCondition
from offers_cli.storage.base import OfferFilter, Storage, StoredOffer
from offers_cli.storage.open import open_storage


@pytest.fixture(params=["sqlite", "supabase"])
def config(request: pytest.FixtureRequest, sqlite_path: Path) -> DatabaseConfig:
    if request.param == "sqlite":
        return DatabaseConfig(sqlite_path=sqlite_path)
    request.getfixturevalue("supabase_storage")  # empties it afterwards
    project: SupabaseProject = request.getfixturevalue("supabase_project")
    return DatabaseConfig(supabase_url=project.url, supabase_key=Secret(project.service_key))


def fill(config: DatabaseConfig) -> list[str]:
    storage = open_storage(config)
    cards = [card(1), card(2, old_price_cents=20_000), card(3, old_price_cents=20_000, discount_pct=50)]
    saved = save(storage, *cards)
    storage.close()
    return [offer.offer_id for offer in saved]


T = TypeVar("T")


def in_session(work: Callable[[DatabaseService], Awaitable[T]]) -> T:
    async def run() -> T:
        async for client in get_session():
            return await work(DatabaseService(client))
        raise AssertionError

    return asyncio.run(run())


def test_the_contract_example_runs(config: DatabaseConfig) -> None:
    """As it stands in the documentation."""
    init_db(config)
    ids = fill(config)

    async def example() -> list[StoredOffer]:
        offers: list[StoredOffer] = []
        async for client in get_session():
            db = DatabaseService(client)
            offers = await db.offers.get_offers_needing_enrichment(
                limit=100, missing_old_price=True, missing_discount=True, missing_affiliate_link=True
            )
        return offers

    assert {offer.id for offer in asyncio.run(example())} == set(ids)


def test_only_the_fields_asked_for_count(config: DatabaseConfig) -> None:
    init_db(config)
    first, second, third = fill(config)

    async def ask(db: DatabaseService) -> list[set[str]]:
        get = db.offers.get_offers_needing_enrichment
        answers = [
            await get(missing_old_price=True),
            await get(missing_discount=True),
            await get(missing_affiliate_link=True),
            await get(),
            await get(limit=1),
        ]
        return [{offer.id for offer in answer} for answer in answers]

    old, discount, link, anything, one = in_session(ask)
    assert (old, discount) == ({first}, {first, second})
    assert link == anything == {first, second, third}
    assert len(one) == 1


def test_an_enrichment_is_recorded(config: DatabaseConfig) -> None:
    init_db(config)
    first, second, third = fill(config)

    async def update(db: DatabaseService) -> list[StoredOffer]:
        return [
            await db.offers.update_offer_enrichment(first, old_price_cents=20_000, discount_pct=50, observed_at=at(1)),
            await db.offers.update_offer_enrichment(second, affiliate_link="https://meli.la/x", affiliation_id="tag"),
            await db.offers.update_offer_enrichment(third, observed_at=at(1)),
        ]

    before = datetime.now(UTC)
    page_read, link_made, nothing_found = in_session(update)
    assert (page_read.old_price_cents, page_read.discount_pct, page_read.enriched_at) == (20_000, 50, at(1))
    assert page_read.affiliate_checked_at is None
    assert (link_made.affiliate_link, link_made.affiliation_id) == ("https://meli.la/x", "tag")
    assert link_made.enriched_at is None
    assert link_made.affiliate_checked_at
    assert before <= link_made.affiliate_checked_at <= datetime.now(UTC)
    assert nothing_found.enriched_at == at(1)


def test_an_enrichment_without_facts_or_condition_erases_none(config: DatabaseConfig) -> None:
    init_db(config)
    with closing(open_storage(config)) as storage:
        (saved,) = save(storage, card(price_condition=PriceCondition.PIX, card_price_cents=11_000, facts=ALL_FACTS))

    async def update(db: DatabaseService) -> StoredOffer:
        return await db.offers.update_offer_enrichment(saved.offer_id, old_price_cents=20_000, discount_pct=50)

    offer = in_session(update)
    assert (offer.old_price_cents, offer.facts) == (20_000, ALL_FACTS)
    assert (offer.price_condition, offer.card_price_cents) == (PriceCondition.PIX, 11_000)


def test_an_older_update_is_not_written(config: DatabaseConfig) -> None:
    init_db(config)
    first, *_ = fill(config)

    async def update(db: DatabaseService) -> StoredOffer:
        await db.offers.update_offer_enrichment(first, price_cents=9_000, observed_at=at(5))
        return await db.offers.update_offer_enrichment(first, price_cents=8_000, observed_at=at(4))

    assert in_session(update).price_cents == 9_000


def test_what_cannot_be_written_is_said(config: DatabaseConfig) -> None:
    init_db(config)
    first, *_ = fill(config)
    with pytest.raises(NotFound):
        in_session(lambda db: db.offers.update_offer_enrichment("11111111-2222-4333-8444-555555555555"))
    with pytest.raises(StorageRefused, match="price_cents"):
        in_session(lambda db: db.offers.update_offer_enrichment(first, price_cents=-1))


NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 (that is what is wrong with it)
WRONG: list[dict[str, Any]] = [
    {"price_cents": -1},
    {"price_cents": 199.0},
    {"price_cents": True},
    {"price_cents": 10**15},
    {"old_price_cents": "x"},
    {"old_price_cents": 5},
    {"old_price_cents": 10_000},
    {"price_cents": 9_000, "old_price_cents": 9_000},
    {"discount_pct": 150},
    {"discount_pct": -1},
    {"affiliate_link": "x" * 9_000},
    {"affiliate_link": ""},
    {"affiliate_link": "https://meli.la/\0"},
    {"affiliation_id": "x" * 201},
    {"observed_at": NAIVE},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_is_refused_by_name_and_counts_as_no_answer(
    config: DatabaseConfig, wrong: dict[str, Any]
) -> None:
    """It is not left out in silence, which would look like a page that shows nothing."""
    init_db(config)
    first, *_ = fill(config)
    name = list(wrong)[-1]
    with pytest.raises(StorageRefused, match=first) as caught:
        in_session(lambda db: db.offers.update_offer_enrichment(first, **wrong))
    assert name in caught.value.message or "a time without zone" in caught.value.message
    [offer] = [each for each in in_session(lambda db: db.offers.get_offers_needing_enrichment()) if each.id == first]
    assert (offer.enriched_at, offer.affiliate_checked_at, offer.price_cents) == (None, None, 10_000)


def test_an_offer_is_named_by_its_own_id(config: DatabaseConfig) -> None:
    """The marketplace's id finds an offer, but what is recorded under it would be lost."""
    init_db(config)
    fill(config)
    with pytest.raises(NotFound, match="MLB1"):
        in_session(lambda db: db.offers.update_offer_enrichment("MLB1", old_price_cents=20_000))


@pytest.mark.parametrize("limit", [-1, None, 1.5, "2", True])
def test_a_limit_that_is_none_is_an_error(config: DatabaseConfig, limit: Any) -> None:
    init_db(config)
    with pytest.raises(ValueError, match="limit"):
        in_session(lambda db: db.offers.get_offers_needing_enrichment(limit=limit))
    with closing(open_storage(config)) as storage, pytest.raises(ValueError, match="limit"):
        storage.find_runs(limit=limit)
    if limit is not None:
        with pytest.raises(ValueError, match="limit"):
            OfferFilter(limit=limit)


@pytest.mark.parametrize(
    "wrong", [{"sort": "bogus"}, {"sort": "--price"}, {"status": "lost"}, {"since": NAIVE}], ids=str
)
def test_a_filter_that_means_nothing_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"none of|neither|without zone"):
        OfferFilter(**wrong)


def test_both_storages_refuse_the_same(config: DatabaseConfig) -> None:
    with closing(open_storage(config)) as storage:
        report = storage.save_offers(
            [card(1, title=None), card(2, url=7), card(3), card(4, image_url=7)], seen_at=at(0)
        )
        assert [refused.reason for refused in report.refused] == ["title is not a text: None", "url is not a text: 7"]
        for write in (
            lambda: storage.save_offers([], seen_at=NAIVE),
            lambda: storage.save_offers([card()], seen_at=NAIVE),
            lambda: storage.save_run(run(started_at=NAIVE)),
            lambda: storage.offers_needing_enrichment(limit=1, missing=EVERYTHING, recheck_before=NAIVE),
        ):
            with pytest.raises(ValueError, match="without zone"):
                write()
        assert list(storage.find_offers(OfferFilter(limit=0))) == []
        assert storage.offers_needing_enrichment(limit=0, missing=EVERYTHING) == []
        assert storage.offers_needing_enrichment(limit=9, missing=frozenset()) == []
        assert [storage.find_offer(odd) for odd in ("\0", "\ud800", "", "'; --")] == [None] * 4


def test_a_client_ends_with_its_session(config: DatabaseConfig) -> None:
    init_db(config)

    async def outlive() -> Storage:
        async with get_session() as client:
            assert client.counts().total == 0
        return client

    client = asyncio.run(outlive())
    for call in (client.counts, lambda: client.save_offers([card()], seen_at=at(0))):
        with pytest.raises(StorageRefused, match="is closed") as caught:
            call()
        assert "get_session()" in caught.value.hint


def test_init_db_says_when_the_database_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        init_db(DatabaseConfig(sqlite_path=tmp_path))


def test_without_init_db_the_settings_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from offers_cli import api

    chosen = DatabaseConfig(sqlite_path=tmp_path / "of-the-settings.db")
    monkeypatch.setattr(api, "_chosen_database", None)
    monkeypatch.setattr(api, "get_config", lambda: type("Config", (), {"database": chosen}))
    assert in_session(lambda db: db.offers.get_offers_needing_enrichment()) == []
    assert chosen.sqlite_path.exists()


def test_half_a_supabase_is_an_error(tmp_path: Path) -> None:
    for given in ({"supabase_url": "http://x"}, {"supabase_key": Secret("k")}):
        with pytest.raises(ConfigError, match="is not set"):
            open_storage(DatabaseConfig(sqlite_path=tmp_path / "x.db", **given))


def test_sqlite_does_not_load_supabase(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys; from pathlib import Path; from offers_cli.config import DatabaseConfig;"
        "from offers_cli.storage.open import open_storage;"
        f"open_storage(DatabaseConfig(sqlite_path=Path({str(tmp_path / 'x.db')!r}))).counts();"
        "sys.exit(bool({'supabase', 'postgrest', 'httpx', 'asyncio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_names_are_at_the_top_of_the_package() -> None:
    for name in ("get_config", "DatabaseService", "get_session", "init_db", "enqueue_enrichment_job"):
        assert callable(getattr(offers_cli, name))


def test_a_session_is_a_storage(config: DatabaseConfig) -> None:
    init_db(config)

    async def counts() -> int:
        async for client in get_session():
            storage: Storage = client
            return storage.counts().total
        return -1

    assert asyncio.run(counts()) == 0
