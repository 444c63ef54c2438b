"""Checks of the settings together: which store and which queue they lead to, and whether a key may be sent there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from offers_cli.config.settings import DatabaseConfig, Notice, Origin
from offers_cli.config.sources import HOME, Found, Remarks, Source

DIRECTING = (HOME, "OFFERS_DB", "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "REDIS_URL", "ENRICHMENT_QUEUE_NAME")
"""The settings that decide which store and which queue are used."""


def check_supabase(database: DatabaseConfig, origins: Mapping[str, Origin], remarks: Remarks) -> None:
    """A key without its address, an address without its key, or both from two sources."""
    url, key = origins["SUPABASE_URL"], origins["SUPABASE_SERVICE_ROLE_KEY"]
    if "default" not in (url.kind, key.kind) and not (database.supabase_url and database.supabase_key):
        return  # one of them cannot be read, and that is reported already
    if database.supabase_url and not database.supabase_key:
        remarks.problems.append(f"SUPABASE_URL from {url} has no key: set SUPABASE_SERVICE_ROLE_KEY too")
    elif database.supabase_key and not database.supabase_url:
        remarks.problems.append(f"SUPABASE_SERVICE_ROLE_KEY from {key}: set SUPABASE_URL too")
    elif url != key:
        message = f"SUPABASE_URL is from {url}, SUPABASE_SERVICE_ROLE_KEY from {key}"
        remarks.notices.append(Notice(kind="redirected", message=message))


def check_what_the_folder_decides(
    folder: Path, home: Path, origins: Mapping[str, Origin], sources: Sequence[Source], remarks: Remarks
) -> None:
    """Say so where the working directory decides which store or queue is used; its address gets no foreign key."""
    names = [name for name in DIRECTING if is_within(origins[name], folder)]
    if names:
        message = f"{', '.join(names)}: set by the working directory, {folder}"
        remarks.notices.append(Notice(kind="redirected", message=message))
    url = origins["SUPABASE_URL"]
    is_its_own = "SUPABASE_URL" in names or (HOME in names and is_within(url, home))  # a home of its choice
    key = next((found for source in sources if (found := source.get("SUPABASE_SERVICE_ROLE_KEY"))), None)
    if is_its_own and key and not _lies_beside(key, url):
        remarks.problems.append(
            f"SUPABASE_URL from {url}: it would be sent {key.key} from {key.origin}; set both in one place"
        )


def _lies_beside(key: Found, url: Origin) -> bool:
    """Whether the folder of the address holds the key too, and does not only name a file elsewhere."""
    if url.path is None or not is_within(key.origin, url.path.parent):
        return False
    folder = url.path.parent
    try:
        named = folder / key.written.strip()
        # From Python 3.13 on links that lead in a circle are resolved to the first of them.
        leads_nowhere = named.is_symlink() and not named.exists()
        return not key.names_file or (not leads_nowhere and named.resolve().is_relative_to(folder.resolve()))
    except (OSError, RuntimeError, ValueError):  # no file can have that name
        return False


def is_within(origin: Origin, folder: Path) -> bool:
    """Whether a value came from a file in that folder itself."""
    return origin.path is not None and origin.path.parent == folder
