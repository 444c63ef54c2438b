"""Queueing from Python: one call, one job."""

from __future__ import annotations

from contextlib import closing

from offers_cli.config import EnrichmentConfig
from offers_cli.enrichment import EnrichmentJob
from offers_cli.errors import UsageError


def enqueue_enrichment_job(
    offer_id: str, url: str, current_price_cents: int | None, *, config: EnrichmentConfig
) -> str:
    """Queue the enrichment of one offer; does nothing when its job already waits or runs.

    Args:
        offer_id: the `id` column of the offer.
        url: its product page, absolute.
        current_price_cents: the price as stored, in hundredths of the currency, or None.
        config: `get_config().enrichment`.

    Returns:
        The RQ job id, ``enrich-<offer_id>``.

    Raises:
        QueueUnavailable: Redis does not answer.
        QueueRefused: Redis answers no.
        UsageError: an id or address that cannot be queued.
    """
    from offers_cli.queue.connection import open_connection
    from offers_cli.queue.enqueue import EnrichmentQueue

    job = EnrichmentJob(offer_id=offer_id, url=url, current_price_cents=current_price_cents)
    redis_url = config.redis_url.reveal() if config.redis_url else None
    with closing(open_connection(redis_url, config.home)) as connection:
        queue = EnrichmentQueue(connection, name=config.queue_name, job_timeout_s=config.job_timeout_s)
        refused = queue.enqueue([job]).refused
    if refused:
        raise UsageError(
            f"offer {offer_id} cannot be queued: {refused[offer_id]}", hint="correct its id or its address"
        )
    return f"enrich-{offer_id}"
