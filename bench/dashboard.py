"""The dashboard over a large catalogue: what a page takes on the server, how soon it serves, and its memory.

The installed program is started over a SQLite file of that size, in which a fifth of the offers changed their price,
and asked over HTTP as a browser asks. A page's time is that from the request to the last byte of the answer.

    python bench/dashboard.py [--offers 1000000] [--rounds 15]
"""

from __future__ import annotations

import argparse
import html
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import os
import sqlite3

import httpx
from program import REAL_PAGES, installed
from ratios import record
from servers import RedisServer
from storage import filled

# Each had another price thirty days before, and a fifth of them has a lower one since some moment of the last days.
PRICES = """
INSERT INTO price_history (offer_id, observed_at, price_cents, old_price_cents, price_condition, source)
SELECT id, strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', '-30 days'), price_cents * 5 / 4, NULL, 'any', 'listing'
FROM offers WHERE rowid % 5 = 0
UNION ALL
SELECT id, strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', -(rowid % 500000) || ' seconds'), price_cents, old_price_cents,
  'any', 'listing'
FROM offers WHERE rowid % 5 = 0"""
CHANGED = """
UPDATE offers SET price_condition = 'any',
  first_seen_at = strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', '-30 days'),
  last_seen_at = strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now'),
  price_changed_at = strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now', -(rowid % 500000) || ' seconds')
WHERE rowid % 5 = 0"""

PAGES = {
    "Overview": "/",
    "Offers": "/offers/",
    "Offers, by discount": "/offers/?sort=-discount&min-discount=40",
    "Offers, words in titles": "/offers/?search=fone+bluetooth",
    "Offers, a rare word": "/offers/?search=123456",
    "Offers, by price, with commission": "/offers/?sort=price&min-commission=10",
    "Offers, by rating, of a source": "/offers/?sort=-rating&source=ofertas",
    "Deals": "/deals/",
    "Deals, proved": "/deals/?class=proved&drop=10",
}
ROWS = {"Overview": "dashboard_overview", "Offers": "dashboard_offers", "Deals": "dashboard_deals"}
"""The pages that stand in the one table."""


def fill(path: Path, offers: int) -> None:
    filled(path, offers).close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(PRICES)
        connection.execute(CHANGED)
    connection.close()


def start(env: dict[str, str]) -> tuple[subprocess.Popen[str], str, float]:
    """The dashboard, its address, and the seconds from its start to its first page."""
    began = time.perf_counter()
    variables = {name: value for name, value in os.environ.items() if name != REAL_PAGES} | env
    command = [installed("offers"), "dashboard", "--port", "0"]
    process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    told = re.search(r"url=(\S+)", process.stderr.readline())
    assert told, process.stderr.read()
    httpx.get(f"{told[1]}/static/page.css").raise_for_status()
    return process, told[1], time.perf_counter() - began


def peak_mb(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="of-") as folder, RedisServer() as redis:
        path = Path(folder) / "offers.db"
        fill(path, options.offers)
        env = {"OFFERS_HOME": folder, "OFFERS_DB": str(path), "REDIS_URL": redis.url}
        starts = []
        for _ in range(5):
            process, _, taken = start(env)
            starts.append(taken)
            process.terminate()
            process.communicate()
        process, url, _ = start(env)
        print(f"### The dashboard at {options.offers:,} offers (SQLite, milliseconds)\n")
        print("| page | median | slowest | kB |\n| --- | --- | --- | --- |")
        with httpx.Client(base_url=url, timeout=120) as client:
            pages = PAGES | {"Offers, page 20": walk(client, 20), "Offer": one(client)}
            for name, address in pages.items():
                times = []
                for _ in range(options.rounds):
                    began = time.perf_counter()
                    answer = client.get(address).raise_for_status()
                    times.append(1_000 * (time.perf_counter() - began))
                if name in ROWS:
                    record(ROWS[name], statistics.median(times))
                size = len(answer.content) / 1_000
                print(f"| {name} | {statistics.median(times):.0f} | {max(times):.0f} | {size:.0f} |", flush=True)
        memory = peak_mb(process)
        process.terminate()
        process.communicate()
    record("dashboard_start", *starts)
    record("dashboard_memory", memory)
    print(f"\nfirst page {statistics.median(starts):.2f} s after its start; {memory:.0f} MB at the most")


def walk(client: httpx.Client, pages: int) -> str:
    """The address of that page of the list."""
    address = "/offers/"
    for _ in range(pages - 1):
        found = re.search(r'href="([^"]+)" rel="next"', client.get(address).raise_for_status().text)
        assert found
        address = html.unescape(found[1])
    return address


def one(client: httpx.Client) -> str:
    """The address of an offer whose price has changed."""
    found = re.search(r'class="title"><a href="([^"]+)"', client.get("/deals/").raise_for_status().text)
    assert found
    return found[1]


if __name__ == "__main__":
    main()
