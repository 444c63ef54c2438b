"""Open the storage that the settings choose."""

from __future__ import annotations

import shlex

from offers_cli.config import DatabaseConfig
from offers_cli.errors import ConfigError, StorageRefused
from offers_cli.files import is_folder
from offers_cli.storage import storage_kind
from offers_cli.storage.base import Storage
from offers_cli.storage.patience import BRIEF, Patience


def open_storage(config: DatabaseConfig, *, patience: Patience = BRIEF) -> Storage:
    """Open Supabase when its address and key are set, else the SQLite file; only what is used is imported.

    Args:
        patience: how long the storage waits by itself for a database that is busy or away; opening it is never
            waited for longer than briefly, for the address may be wrong.

    Raises:
        ConfigError: only one of address and key is set.
        StorageUnavailable, StorageRefused: see `Storage`.
    """
    if storage_kind(config) == "sqlite":
        from offers_cli.storage.sqlite.storage import open_sqlite

        folder = config.sqlite_path.parent
        if folder != config.home and not is_folder(folder):  # a slip of the pen would begin an empty database there
            raise StorageRefused(
                f"OFFERS_DB is in {folder}, which is no folder that you can see",
                hint=f"mkdir -p {shlex.quote(str(folder))}",
            )
        return open_sqlite(config.sqlite_path, patience=patience)
    if config.supabase_url is None or config.supabase_key is None:
        lacking = "SUPABASE_URL" if config.supabase_url is None else "SUPABASE_SERVICE_ROLE_KEY"
        raise ConfigError(f"{lacking} is not set, its counterpart is", hint=f"set {lacking}, or unset the other")
    from offers_cli.storage.supabase.storage import open_supabase

    return open_supabase(config.supabase_url, config.supabase_key, patience=patience)
