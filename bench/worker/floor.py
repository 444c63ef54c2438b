"""The floor: fetching and reading alone, in a plain loop of one thread; no queue, no database."""

from __future__ import annotations

import time
from collections.abc import Sequence

from peer import Job

from offers_cli.config import get_config
from offers_cli.runtime import open_runtime


def cpu_ms(jobs: Sequence[Job]) -> float:
    """CPU time for each page, with the project's fetcher and reader."""
    with open_runtime(get_config()) as runtime:
        market = runtime.mercado_livre

        def enrich(job: Job) -> None:
            page = runtime.fetcher.get(market.fetch_url(job.url))
            market.read_product(page.body, page.final_url)

        enrich(jobs[0])
        started = time.process_time()
        for job in jobs[1:]:
            enrich(job)
        return (time.process_time() - started) * 1000 / (len(jobs) - 1)
