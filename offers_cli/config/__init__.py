"""Settings: one frozen object, loaded lazily, each value knowing where it came from."""

from offers_cli.config.home import check_owner
from offers_cli.config.load import examine_config, get_config, load_config, parse_setting
from offers_cli.config.settings import (
    SETTINGS,
    Config,
    DatabaseConfig,
    EnrichmentConfig,
    FetchConfig,
    LogConfig,
    MarketplaceConfig,
    Origin,
    Setting,
)
from offers_cli.config.values import MASK, Secret, mask_url, parse_duration, written

__all__ = [
    "MASK",
    "SETTINGS",
    "Config",
    "DatabaseConfig",
    "EnrichmentConfig",
    "FetchConfig",
    "LogConfig",
    "MarketplaceConfig",
    "Origin",
    "Secret",
    "Setting",
    "check_owner",
    "examine_config",
    "get_config",
    "load_config",
    "mask_url",
    "parse_duration",
    "parse_setting",
    "written",
]
