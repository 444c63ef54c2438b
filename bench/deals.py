"""Judgements on 200 invented price histories, beside the heuristics that look at the advertised figures alone.

A shop's story (a true sale, a price put up before it, a former price that was never charged, …) is told in hours, and
scraped now and then, as an operator would: what happened in between nobody sees. What is told is known, so the share of
right judgements among those made (precision) and among those that should have been made (recall) can be counted.
Then the time that it takes to judge a catalogue of a million recorded prices, with few offers and with many.

    pip install -e . && python bench/deals.py [--seed N] [--prices 1000000]
    python bench/deals.py --postgres URL            # also on an empty database with Supabase's roles, past HTTP
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ratios import record
from storage import Calls

from offers_cli.config import Secret
from offers_cli.deals.judge import DealClass, Weights, judge
from offers_cli.deals.record import Record
from offers_cli.offer import DiscountKind, PriceCondition
from offers_cli.services.deals import DealFilter, find_deals
from offers_cli.storage.base import OfferFilter, RecordedPrice, Storage, StoredOffer
from offers_cli.storage.sqlite.storage import open_sqlite

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOURS_A_DAY = 24


@dataclass(frozen=True)
class Story:
    """What a shop did, hour by hour until now, what it advertises, and what a person who saw all of it would say."""

    kind: str
    label: DealClass | None
    hours: Sequence[tuple[int, PriceCondition] | None]
    old_price_cents: int | None
    discount_kind: DiscountKind | None = DiscountKind.PRICE_CUT


def told(rnd: random.Random) -> Iterator[Story]:
    """200 stories, of each kind about as many."""
    kinds: Sequence[Callable[[random.Random], Story]] = (
        *(honest, unadvertised, in_two_steps, flash, back_in_stock),
        *(put_up, invented, always_on_sale),
        *(up_and_down, by_pix, new, dearer_again),
    )
    for n in range(200):
        yield kinds[n % len(kinds)](rnd)


def held(
    days: float, cents: int, condition: PriceCondition = PriceCondition.ANY
) -> list[tuple[int, PriceCondition] | None]:
    return [(cents, condition)] * max(1, round(days * HOURS_A_DAY))


def drawn(rnd: random.Random) -> tuple[int, float]:
    """A usual price in hundredths, and the days for which it held."""
    return rnd.randrange(2_000, 300_000, 10), rnd.uniform(35, 200)


def honest(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    sale = held(rnd.uniform(0.5, 12), round(usual * rnd.uniform(0.5, 0.9)))
    return Story("a true sale", DealClass.PROVED, held(days, usual) + sale, usual)


def unadvertised(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    sale = held(rnd.uniform(0.5, 12), round(usual * rnd.uniform(0.6, 0.9)))
    return Story("a silent reduction", DealClass.PROVED, held(days, usual) + sale, None)


def in_two_steps(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    steps = held(rnd.uniform(1, 8), round(usual * 0.85)) + held(rnd.uniform(1, 8), round(usual * 0.7))
    return Story("a sale in two steps", DealClass.PROVED, held(days, usual) + steps, usual)


def flash(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    sale = held(rnd.uniform(0.3, 0.9), round(usual * rnd.uniform(0.4, 0.8)))
    return Story("a flash sale", DealClass.PROVED, held(days, usual) + sale, usual)


def back_in_stock(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    away: list[tuple[int, PriceCondition] | None] = [None] * round(rnd.uniform(3, 20) * HOURS_A_DAY)
    sale = held(rnd.uniform(0.5, 8), round(usual * rnd.uniform(0.6, 0.85)))
    return Story("out of stock, then a sale", DealClass.PROVED, held(days, usual) + away + sale, usual)


def put_up(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    raised = round(usual * rnd.uniform(1.2, 1.8))
    sale = held(rnd.uniform(0.5, 10), round(usual * rnd.uniform(0.97, 1.05)))
    return Story(
        "put up before the sale",
        DealClass.CONTRADICTED,
        held(days, usual) + held(rnd.uniform(1, 5), raised) + sale,
        raised,
    )


def invented(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    sale = held(rnd.uniform(0.5, 12), round(usual * rnd.uniform(0.85, 0.98)))
    return Story(
        "a former price never charged",
        DealClass.CONTRADICTED,
        held(days, usual) + sale,
        round(usual * rnd.uniform(1.3, 2.2)),
    )


def always_on_sale(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    return Story("always on sale", DealClass.CONTRADICTED, held(days, usual), round(usual * rnd.uniform(1.3, 2.2)))


def up_and_down(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    low, span = round(usual * rnd.uniform(0.7, 0.9)), rnd.uniform(4, 9)
    weeks = [hour for _ in range(max(3, round(days / 2 / span))) for hour in held(span, usual) + held(span, low)]
    return Story("up and down each week", None, weeks[: len(weeks) - round(span * HOURS_A_DAY / 2)], usual)


def by_pix(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    pix = held(rnd.uniform(0.5, 12), round(usual * rnd.uniform(0.85, 0.95)), PriceCondition.PIX)
    return Story("Pix appears", None, held(days, usual) + pix, usual, DiscountKind.PAYMENT)


def new(rnd: random.Random) -> Story:
    usual, _ = drawn(rnd)
    return Story("seen for days only", None, held(rnd.uniform(1, 12), usual), round(usual * rnd.uniform(1.2, 1.8)))


def dearer_again(rnd: random.Random) -> Story:
    usual, days = drawn(rnd)
    higher = round(usual * rnd.uniform(1.2, 1.4))
    sale = held(rnd.uniform(0.5, 5), round(usual * rnd.uniform(1.02, 1.1)))
    return Story(
        "a sale above last month's price", None, held(days, usual) + held(rnd.uniform(12, 20), higher) + sale, higher
    )


def scraped(story: Story, rnd: random.Random) -> Record:
    """What the catalogue of an operator holds of it who scrapes every 4 to 12 hours, and meets the offer mostly."""
    prices: list[RecordedPrice] = []
    hour, seen_at = 0, NOW
    while hour < len(story.hours):
        found = story.hours[hour]
        if found is not None and (rnd.random() < 0.9 or not prices):
            cents, condition = found
            seen_at = NOW - timedelta(hours=len(story.hours) - 1 - hour)
            if not prices or (prices[-1].price_cents, prices[-1].price_condition) != found:
                prices.append(RecordedPrice(seen_at.timestamp(), cents, condition, None))
        last = len(story.hours) - 1
        hour = last if hour < last < hour + 12 else hour + rnd.randint(4, 12)
    cents, condition = story.hours[-1] or (prices[-1].price_cents, PriceCondition.ANY)
    if (prices[-1].price_cents, prices[-1].price_condition) != (cents, condition):
        prices.append(RecordedPrice(NOW.timestamp(), cents, condition, None))
    return Record.of(_offer(story, prices, cents, condition), prices, now=NOW)


def _offer(story: Story, prices: Sequence[RecordedPrice], cents: int, condition: PriceCondition) -> StoredOffer:
    first, changed = (datetime.fromtimestamp(price.observed_s, UTC) for price in (prices[0], prices[-1]))
    return StoredOffer(
        id="",
        marketplace="",
        external_id="",
        title="",
        url="",
        image_url=None,
        currency="BRL",
        price_cents=cents,
        old_price_cents=story.old_price_cents,
        discount_pct=None if story.old_price_cents is None else 100 - 100 * cents // story.old_price_cents,
        price_condition=condition,
        discount_kind=None if story.old_price_cents is None else story.discount_kind,
        commission_pct=None,
        affiliate_link=None,
        affiliation_id=None,
        source="ofertas",
        status="active",
        first_seen_at=first,
        last_seen_at=NOW,
        price_changed_at=changed,
        item_id=None,
        catalogue_id=None,
    )


HEURISTICS: dict[str, Callable[[StoredOffer], bool]] = {
    "a former price is advertised": lambda offer: offer.old_price_cents is not None,
    "10 % off or more": lambda offer: (offer.discount_pct or 0) >= 10,
    "20 % off or more": lambda offer: (offer.discount_pct or 0) >= 20,
    "30 % off or more": lambda offer: (offer.discount_pct or 0) >= 30,
    "between 10 and 50 % off": lambda offer: 10 <= (offer.discount_pct or 0) <= 50,
}
"""What says "a true deal" by the advertised figures alone; none of them can say that one is contradicted."""


def counted(called: Sequence[bool], true: Sequence[bool]) -> list[str]:
    """Precision, recall, and how many were called so."""
    right = sum(both for both in map(min, called, true))
    precision = f"{100 * right / sum(called):.0f} %" if any(called) else "-"
    return [precision, f"{100 * right / sum(true):.0f} %", f"{sum(called)} of {sum(true)}"]


def bench_judgements(seed: int) -> None:
    rnd = random.Random(seed)
    stories = list(told(rnd))
    records = [scraped(story, rnd) for story in stories]
    found = [judge(record, Weights()).kind for record in records]
    print(f"### 200 invented histories (seed {seed})\n")
    rows = [
        [f"offers: {kind}", *counted([each is kind for each in found], [story.label is kind for story in stories])]
        for kind in (DealClass.PROVED, DealClass.CONTRADICTED)
    ]
    is_true = [story.label is DealClass.PROVED for story in stories]
    for name, calls in HEURISTICS.items():
        rows.append([f"{name}: a deal", *counted([calls(record.offer) for record in records], is_true)])
    show(["judgement", "precision", "recall", "called, of those that are"], rows)
    kinds = dict.fromkeys(story.kind for story in stories)
    judged = [[each for each, story in zip(found, stories, strict=True) if story.kind == kind] for kind in kinds]
    counts = ([kind, *(str(each.count(one)) for one in DealClass)] for kind, each in zip(kinds, judged, strict=True))
    show(["story", *DealClass], counts)


def show(columns: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> None:
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


# The catalogue of `filled` for Postgres: its gone offers are the last ones.
FILL_POSTGRES = """
INSERT INTO offers (
  id, marketplace, external_id, title, url, currency, price_cents, old_price_cents, discount_pct, price_condition,
  source, status, first_seen_at, last_seen_at, price_changed_at)
SELECT
  (lpad(to_hex(n::bigint * 2654435761 %% 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
  'mercado_livre', 'MLB' || n, 'Fone ' || n, 'https://produto.mercadolivre.com.br/MLB-' || n, 'BRL', 1, 2, 16, 'any',
  'ofertas', CASE WHEN n > %(offers)s THEN 'gone' ELSE 'active' END, now() - interval '365 days', now(), now()
FROM generate_series(1, %(all)s) n"""
PRICES_POSTGRES = """
INSERT INTO price_history (offer_id, observed_at, price_cents, price_condition, source)
SELECT id, now() - random() * interval '365 days', usual * (0.6 + 0.6 * random()), 'any', 'listing'
FROM (SELECT id, 2000 + random() * 298000 AS usual FROM offers) o, generate_series(1, %s)"""
LAST_POSTGRES = """
UPDATE offers SET price_cents = last.price_cents, old_price_cents = last.price_cents * 6 / 5,
  first_seen_at = first_at, price_changed_at = last.observed_at
FROM (SELECT DISTINCT ON (offer_id) offer_id, price_cents, observed_at, min(observed_at) OVER (PARTITION BY offer_id)
  AS first_at FROM price_history ORDER BY offer_id, observed_at DESC) last
WHERE offer_id = offers.id"""


def filled(path: Path, *, offers: int, prices: int, gone: int) -> None:
    """A catalogue whose active offers have so many prices in all, over a year; gone ones have as many each."""
    open_sqlite(path).close()
    rnd, each = random.Random(1), prices // offers
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = off")
    now = datetime.now(UTC)
    for n in range(offers + gone):
        offer_id = f"{n:08x}-0000-4000-8000-{n:012x}"
        usual = rnd.randrange(2_000, 300_000)
        times = sorted(text(now - timedelta(seconds=rnd.random() * 365 * 86_400)) for _ in range(each))
        cents = [round(usual * rnd.uniform(0.6, 1.2)) for _ in times]
        status = "gone" if n >= offers else "active"
        connection.execute(
            "INSERT INTO offers (id, marketplace, external_id, title, title_folded, url, currency, price_cents,"
            " old_price_cents, discount_pct, price_condition, source, status, first_seen_at, last_seen_at,"
            " price_changed_at) VALUES (?, 'mercado_livre', ?, ?, ?, ?, 'BRL', ?, ?, 16, 'any', 'ofertas', ?, ?, ?, ?)",
            (
                *(offer_id, f"MLB{n}", f"Fone {n}", f"fone {n}", f"https://produto.mercadolivre.com.br/MLB-{n}"),
                *(cents[-1], round(cents[-1] * 1.2), status, times[0], text(now), times[-1]),
            ),
        )
        connection.executemany(
            "INSERT INTO price_history (offer_id, observed_at, price_cents, price_condition, source)"
            " VALUES (?, ?, ?, 'any', 'listing')",
            [(offer_id, *one) for one in zip(times, cents, strict=True)],
        )
    connection.commit()
    connection.close()


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def bench_sqlite(prices: int) -> None:
    print(f"### `offers deals`, {prices:,} recorded prices of active offers (SQLite, milliseconds)\n")
    rows: list[list[str]] = []
    medians: list[float] = []
    for offers, gone in catalogues(prices):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "offers.db"
            filled(path, offers=offers, prices=prices, gone=gone)
            with closing(open_sqlite(path)) as storage:
                rows.append(timed_row(storage, offers, gone, medians))
    show(COLUMNS, rows)
    record("deals_sqlite", *medians)


def bench_postgres(url: str, prices: int) -> None:
    import psycopg

    from offers_cli.storage.migrate import migrate_postgres
    from offers_cli.storage.supabase.storage import SupabaseStorage

    print("### The same on Postgres\n")
    migrate_postgres(Secret(url))
    rows: list[list[str]] = []
    medians: list[float] = []
    with psycopg.connect(url, autocommit=True) as connection:
        storage = SupabaseStorage("http://127.0.0.1:1", Secret("unused"))
        storage._client = Calls(connection)  # type: ignore[assignment]
        for offers, gone in catalogues(prices):
            connection.execute("TRUNCATE offers CASCADE")
            connection.execute("SELECT offers_recount()")
            connection.execute(FILL_POSTGRES.encode(), {"offers": offers, "all": offers + gone})
            connection.execute(PRICES_POSTGRES.encode(), [prices // offers])
            connection.execute(LAST_POSTGRES.encode())
            connection.execute("VACUUM ANALYZE")
            rows.append(timed_row(storage, offers, gone, medians))
        connection.execute("TRUNCATE offers CASCADE")
    show(COLUMNS, rows)
    record("deals_postgres", *medians)


COLUMNS = ["active offers", "gone offers", "judged", "median", "slowest"]


def catalogues(prices: int) -> tuple[tuple[int, int], ...]:
    """Active and gone offers of each catalogue; the active ones have so many prices in all."""
    return (prices // 20, 0), (prices // 20, prices // 20), (prices // 100, 0), (prices, 0)


def timed_row(storage: Storage, offers: int, gone: int, medians: list[float]) -> list[str]:
    """A row of `COLUMNS`; its median is added to `medians`."""
    runs = []
    for _ in range(7):
        start = time.perf_counter()
        report = find_deals(OfferFilter(), DealFilter(), weights=Weights(), storage=storage, now=datetime.now(UTC))
        runs.append(1_000 * (time.perf_counter() - start))
    medians.append(statistics.median(runs))
    return [f"{offers:,}", f"{gone:,}", f"{report.judged:,}", f"{medians[-1]:.0f}", f"{max(runs):.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prices", type=int, default=1_000_000)
    parser.add_argument("--postgres", metavar="URL", help="also there, past HTTP")
    options = parser.parse_args()
    bench_judgements(options.seed)
    bench_sqlite(options.prices)
    if options.postgres:
        bench_postgres(options.postgres, options.prices)


if __name__ == "__main__":
    main()
