"""`offers`: collect, enrich and keep affiliate offers.

The public Python API stands here and is loaded when first used: `get_config`, `enqueue_enrichment_job`, `init_db`,
`get_session`, `DatabaseService`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offers_cli.api import DatabaseService, enqueue_enrichment_job, get_session, init_db
    from offers_cli.config import get_config

__version__ = "0.1.0"
__all__ = ["DatabaseService", "__version__", "enqueue_enrichment_job", "get_config", "get_session", "init_db"]

_HOMES = {
    "get_config": "offers_cli.config",
    "enqueue_enrichment_job": "offers_cli.api",
    "DatabaseService": "offers_cli.api",
    "get_session": "offers_cli.api",
    "init_db": "offers_cli.api",
}


def __getattr__(name: str) -> Any:
    """Load one name of the public API from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'offers_cli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
