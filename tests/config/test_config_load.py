"""Settings: precedence, origins, refusals, secrets."""

from pathlib import Path
from typing import Any

import pytest

from offers_cli.config import SETTINGS, Secret, load_config
from offers_cli.errors import ConfigError


def load(tmp_path: Path, **environ: str) -> Any:
    return load_config({"OFFERS_HOME": str(tmp_path / "home"), **environ}, tmp_path)


def test_with_no_settings_everything_is_embedded(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.enrichment.redis_url is None
    assert config.database.sqlite_path == tmp_path / "home" / "offers.db"
    assert config.enrichment.job_timeout_s == 600
    assert config.origins["ENRICHMENT_QUEUE_NAME"].kind == "default"


def test_environment_beats_dotenv_beats_toml_beats_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=20\nENRICHMENT_REQUEST_DELAY_S=2\n")
    (tmp_path / "offers.toml").write_text("min_discount_pct = 10\nenrichment_worker_concurrency = 7\n")
    config = load(tmp_path, ENRICHMENT_REQUEST_DELAY_S="3")
    assert config.enrichment.request_delay_s == 3
    assert config.marketplace.min_discount_pct == 20
    assert config.enrichment.worker_concurrency == 7
    assert [config.origins[n].kind for n in ("ENRICHMENT_REQUEST_DELAY_S", "MIN_DISCOUNT_PCT")] == [
        "environment",
        ".env",
    ]
    assert config.origins["ENRICHMENT_WORKER_CONCURRENCY"].path == tmp_path / "offers.toml"


def test_working_directory_dotenv_beats_the_one_at_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".env").write_text("MIN_DISCOUNT_PCT=30\nML_AFFILIATE_TAG=casa\n")
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=20\n")
    (tmp_path / "offers.toml").write_text('ml_affiliate_tag = "toml"\n')
    config = load(tmp_path)
    assert config.marketplace.min_discount_pct == 20
    assert config.marketplace.affiliate_tag == "casa", "every .env stands above every offers.toml"


def test_all_problems_are_told_at_once_each_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_ULR=redis://x\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, ENRICHMENT_REQUEST_DELAY_S="nan", ENRICHMENT_JOB_TIMEOUT="soon", OFFERS_SNAPSHOTS="some")
    message = caught.value.message
    assert "REDIS_ULR" in message
    assert "did you mean REDIS_URL?" in message
    for name in ("ENRICHMENT_REQUEST_DELAY_S", "ENRICHMENT_JOB_TIMEOUT", "OFFERS_SNAPSHOTS"):
        assert f"{name} from environment" in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENRICHMENT_WORKER_CONCURRENCY", "0"),
        ("ENRICHMENT_WORKER_CONCURRENCY", "three"),
        ("ENRICHMENT_REQUEST_DELAY_S", "-1"),
        ("ENRICHMENT_REQUEST_DELAY_S", "inf"),
        ("ENRICHMENT_JOB_TIMEOUT", "10 minutes"),
        ("ENRICHMENT_QUEUE_NAME", "a b"),
        ("MIN_DISCOUNT_PCT", "101"),
        ("ML_BASE_URL", "mercadolivre.com.br"),
        ("REDIS_URL", "http://localhost"),
        ("OFFERS_ALLOW_PRIVATE_HOSTS", "maybe"),
        ("ML_AFFILIATE_TAG", "Minha Loja"),
    ],
)
def test_a_bad_value_names_its_setting(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(tmp_path, **{name: text})


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600)])
def test_durations(tmp_path: Path, text: str, seconds: float) -> None:
    assert load(tmp_path, ENRICHMENT_JOB_TIMEOUT=text).enrichment.job_timeout_s == seconds


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret-key\n")
    config = load(tmp_path, SUPABASE_URL="https://x.example", SUPABASE_SERVICE_ROLE_KEY_FILE=str(tmp_path / "key"))
    assert config.database.supabase_key == Secret("s3cret-key")


def test_supabase_key_is_accepted_under_its_short_name(tmp_path: Path) -> None:
    config = load(tmp_path, SUPABASE_URL="https://x.example", SUPABASE_KEY="short")
    assert config.database.supabase_key is not None
    assert config.database.supabase_key.reveal() == "short"


def test_a_url_without_its_key_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SUPABASE_SERVICE_ROLE_KEY"):
        load(tmp_path, SUPABASE_URL="https://x.example")


def test_secrets_show_nowhere_in_config_or_errors(tmp_path: Path) -> None:
    canary = "canary-7f3a"
    config = load(tmp_path, REDIS_URL=f"redis://:{canary}@localhost/0", OFFERS_HTTP_PROXY=f"http://u:{canary}@proxy:1")
    assert canary not in repr(config)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, REDIS_URL=f"rdis://:{canary}@localhost/0", OFFERS_HTTP_PROXY=f"ftp://u:{canary}@proxy:1")
    assert canary not in str(caught.value)


def test_a_secret_in_offers_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "offers.toml").write_text('supabase_service_role_key = "canary-7f3a"\n')
    with pytest.raises(ConfigError, match="does not belong in") as caught:
        load(tmp_path)
    assert "canary-7f3a" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"min_discount_pct = [unclosed"])
def test_an_unreadable_file_is_a_problem_not_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "offers.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"offers\.toml"):
        load(tmp_path)


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, REDIS_URL="").enrichment.redis_url is None


def test_every_setting_has_a_meaning() -> None:
    assert all(setting.doc.endswith(".") for setting in SETTINGS)
