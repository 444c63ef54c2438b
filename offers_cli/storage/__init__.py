"""The storage room: which storage the settings choose."""

from __future__ import annotations

from offers_cli.config import DatabaseConfig
from offers_cli.storage.migrations import StorageKind


def storage_kind(config: DatabaseConfig) -> StorageKind:
    """Which storage the settings choose."""
    return "sqlite" if config.supabase_url is None and config.supabase_key is None else "supabase"
