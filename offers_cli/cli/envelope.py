"""The JSON envelope: one document for every command, on success and on failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from offers_cli.report import Problem
from offers_cli.text import json_text

VERSION = 1
SESSION_KEYS = (
    "valid",
    "missing",
    "cookies",
    "imported_at",
    "age_days",
    "expires_at",
    "days_left",
    "refused_at",
)
DATA_KEYS: dict[str, tuple[str, ...]] = {
    "scrape": (
        "run_id",
        "pages",
        "seen",
        "new",
        "changed",
        "unchanged",
        "filtered",
        "refused",
        "enqueued",
        "already_queued",
    ),
    "runs": ("runs",),
    "enqueue-missing": ("found", "enqueued", "already_queued", "refused"),
    "worker": ("succeeded", "failed", "retried", "snoozed", "duration_s", "jobs_per_s"),
    "requeue-failed": ("found", "requeued", "skipped"),
    "stats": (
        "queue",
        "jobs_per_minute",
        "time_to_empty_s",
        "suspended",
        "failures",
        "offers",
        "paused",
        "drift",
        "workers",
    ),
    "failed": ("jobs", "total"),
    "list": ("offers", "total"),
    "show": ("offer", "origins"),
    "history": ("offer", "days", "points", "lowest", "lowest_in_days", "above_lowest_cents", "old_price"),
    "export": ("format", "file", "exported", "offers"),
    "explain": ("kind", "marketplace", "url", "currency", "values", "candidates", "offers", "next_page"),
    "replay": ("found", "mended", "superseded", "unreadable", "forgotten", "changes"),
    "doctor": ("checks",),
    "session import": (*SESSION_KEYS, "left_out", "resumed"),
    "session check": SESSION_KEYS,
    "session clear": ("cleared",),
    "links check": ("stored", "checked", "ours", "foreign", "gone", "unclear", "links"),
    "config show": ("settings", "notices"),
    "config path": ("home", "files"),
    "init": ("file", "set"),
    "redis status": (
        "running",
        "used",
        "server",
        "pid",
        "clients",
        "memory_bytes",
        "disk_bytes",
        "socket",
        "directory",
    ),
    "redis stop": ("stopped", "clients"),
    "help": ("topic", "text", "rows"),
    "db migrate": ("kind", "version", "applied", "kept"),
    "db schema": ("kind", "version", "sql"),
    "db backup": ("file", "offers", "size_bytes"),
    "db restore": (
        "file",
        "dry_run",
        "schema",
        "offers",
        "added",
        "overwritten",
        "unchanged",
        "removed",
        "left_alone",
        "runs",
        "kept",
    ),
    "db prune": ("before", "dry_run", "prices", "offers", "runs", "freed_bytes"),
    "db repair": ("dry_run", "offers", "repaired", "removed", "changes"),
    "db copy": ("offers", "copied", "already_there", "different", "runs", "total_there"),
    "db adopt": ("table", "rows", "adopted", "already_there", "refused", "ignored_columns"),
    "dashboard": ("url",),
    "service": ("kind", "files", "installed", "next"),
    "demo": ("steps", "offers", "total"),
}
"""Keys that stand in `data` whatever happens; unknown is null."""


def envelope(command: str, data: Mapping[str, Any], problems: Sequence[Problem], *, failed: bool) -> str:
    """One JSON document.

    Args:
        failed: nothing of what was asked is done; with problems and not failed, a part is.
    """
    return json_text(
        {
            "version": VERSION,
            "command": command,
            "status": "error" if failed else "partial" if problems else "ok",
            "data": {**dict.fromkeys(DATA_KEYS.get(command, ())), **data},
            "errors": [_error(problem) for problem in problems],
        },
        indent=2,
        default=str,
    )


def _error(problem: Problem) -> dict[str, Any]:
    error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return error | ({"offer_id": problem.offer_id} if problem.offer_id else {})
