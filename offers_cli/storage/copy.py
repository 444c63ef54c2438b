"""Copy all offers from SQLite to Supabase: `offers db copy`.

Bundle by bundle: checksums tell what is there already, the rest is inserted, and its checksums are compared. So an
interrupted copy is resumed by running it again, and what differs on the other side is named, never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from offers_cli.storage.bundles import Bundle, checksum, read_sqlite, read_sqlite_runs
from offers_cli.storage.sqlite_errors import translated
from offers_cli.storage.sqlite_schema import open_current
from offers_cli.storage.supabase import SupabaseStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """`offers = copied + already_there + len(different)`.

    Attributes:
        different: ids of offers that are not the same there: changed since an earlier copy, or there under another
            id (scraped on both sides). They were left alone.
        total_there: how many offers the project holds now.
    """

    offers: int = 0
    copied: int = 0
    already_there: int = 0
    different: tuple[str, ...] = ()
    runs: int = 0
    total_there: int = 0


def copy_to_supabase(
    path: Path, target: SupabaseStorage, *, on_progress: Callable[[CopyReport], None] = lambda _report: None
) -> CopyReport:
    """Copy the offers, prices and runs of the SQLite file at `path`, as they are at this moment.

    Raises:
        StorageUnavailable, StorageRefused: either side; run it again to go on.
    """
    report = CopyReport()
    with translated(path), closing(open_current(path)) as connection:
        connection.execute("BEGIN")
        for bundle in read_sqlite(connection):
            report = _copy(bundle, target, report)
            on_progress(report)
        runs = read_sqlite_runs(connection)
    target.import_bundle(Bundle(()), runs)
    return replace(report, runs=len(runs), total_there=target.counts().total)


def _copy(bundle: Bundle, target: SupabaseStorage, report: CopyReport) -> CopyReport:
    ours = {offer.id: checksum(offer, bundle.history.get(offer.id, ())) for offer in bundle.offers}
    there = target.checksums(list(ours))
    lacking = [offer for offer in bundle.offers if offer.id not in there]
    if lacking:
        target.import_bundle(Bundle(lacking, bundle.history))
        there |= target.checksums([offer.id for offer in lacking])
    different = tuple(offer_id for offer_id, digest in ours.items() if there.get(offer_id) != digest)
    copied = sum(offer.id not in different for offer in lacking)
    return replace(
        report,
        offers=report.offers + len(ours),
        copied=report.copied + copied,
        already_there=report.already_there + len(ours) - copied - len(different),
        different=report.different + different,
    )
