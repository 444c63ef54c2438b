"""How much of the rate that the configured delay allows is reached, with default settings and slow pages.

    python bench/pace.py [--seconds 60]

The delay is 0.5 s, a page takes 2 s. The shop is its own proxy: three names of this machine make three egresses. The
rate is the slope of the pages' arrivals at the shop, without the first fifth: until then the jobs at once become as
many as are needed. Counted from the first arrival to the last it would be off by up to 0.7 %: the turns of three
egresses come three at a time, and it matters how far into such a bunch the count begins and ends.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import linear_regression
from urllib.parse import urlsplit

from ratios import record

sys.path.append(str(Path(__file__).with_name("worker")))

import with_offers
from stage import Stage, open_stage

DELAY_S, LATENCY_S = 0.5, 2.0
NAMES = ("127.0.0.1", "localhost", "127.1")
PAGE_BYTES = 20_000


def share_pct(stage: Stage, *, seconds: float, egresses: int = 1, processes: int = 1) -> float:
    jobs = round(seconds * egresses / DELAY_S)
    with_offers.enqueue(stage.reset(jobs))
    port = urlsplit(stage.shop_url).port
    proxies = {"OFFERS_HTTP_PROXY": ",".join(f"http://{name}:{port}" for name in NAMES[:egresses])}
    before = len(stage.page_requests())
    command = ["offers", "worker", "--burst", "--quiet", "--processes", str(processes)]
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **(proxies if egresses > 1 else {})}
    )
    times = stage.page_requests()[before:]
    assert len(times) == jobs, f"{len(times)} pages for {jobs} jobs"
    times = times[len(times) // 5 :]
    apart_s = linear_regression(range(len(times)), times).slope
    return 100 * DELAY_S / egresses / apart_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each case takes at the allowed rate")
    chosen = parser.parse_args()
    cases = {
        "pace_one_egress": {},
        "pace_three_egresses": {"egresses": 3},
        "pace_sixteen_processes": {"processes": 16},
    }
    offers = round(chosen.seconds * len(NAMES) / DELAY_S)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stage(Path(folder), offers=offers, page_bytes=PAGE_BYTES) as stage,
    ):
        os.environ["ENRICHMENT_REQUEST_DELAY_S"] = str(DELAY_S)
        stage.set_latency(LATENCY_S)
        for row, case in cases.items():
            pct = share_pct(stage, seconds=chosen.seconds, **case)
            print(f"{row:24} {pct:6.1f} % of the allowed rate", flush=True)
            record(row, pct)


if __name__ == "__main__":
    main()
