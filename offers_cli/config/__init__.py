"""Settings: one frozen object, loaded lazily, each value knowing where it came from."""

from offers_cli.config.load import examine_config, find_home, get_config, load_config, log_notices, working_folder
from offers_cli.config.owners import check_home
from offers_cli.config.settings import (
    SETTINGS,
    Config,
    DatabaseConfig,
    DisplayConfig,
    EnrichmentConfig,
    FetchConfig,
    LogConfig,
    MarketplaceConfig,
    Notice,
    Origin,
    Setting,
)
from offers_cli.config.values import MASK, Secret, is_loopback, mask_url, one_line, parse_duration

__all__ = [
    "MASK",
    "SETTINGS",
    "Config",
    "DatabaseConfig",
    "DisplayConfig",
    "EnrichmentConfig",
    "FetchConfig",
    "LogConfig",
    "MarketplaceConfig",
    "Notice",
    "Origin",
    "Secret",
    "Setting",
    "check_home",
    "examine_config",
    "find_home",
    "get_config",
    "is_loopback",
    "load_config",
    "log_notices",
    "mask_url",
    "one_line",
    "parse_duration",
    "working_folder",
]
