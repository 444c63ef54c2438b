"""Settings as they may be seen, and the `.env` that `init` writes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.config import MASK, SETTINGS, examine_config, load_config, mask_url
from offers_cli.errors import UsageError
from offers_cli.services.config import find_config_files, show_config
from offers_cli.services.init import init, quoted


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://user:canary@host:6379/0", f"redis://{MASK}@host:6379/0"),
        ("rediss://:canary@host/0?password=canary#canary", f"rediss://{MASK}@host/0"),
        ("redis://host?password=canary", "redis://host"),
        ("unix:///tmp/redis.sock?password=canary", "unix:///tmp/redis.sock"),
        ("redis://:12/canary@host/0", MASK),
        ("redis://[canary", MASK),
        ("redis://:can?ary@host/0", MASK),
        ("redis://:can#ary@host/0", MASK),
        ("https://canary@host/x", f"https://{MASK}@host/x"),
        ("http://canary:canary@proxy:3128", f"http://{MASK}@proxy:3128"),
    ],
)
def test_an_address_shows_no_password(address: str, shown: str) -> None:
    assert mask_url(address) == shown


def test_every_secret_is_masked_and_every_value_has_its_origin(tmp_path: Path) -> None:
    secrets = {
        "REDIS_URL": "redis://:canary@host/0",
        "SUPABASE_URL": "https://u:canary@project.example",
        "SUPABASE_SERVICE_ROLE_KEY": "canary",
        "SUPABASE_DB_URL": "postgres://u:canary,canary@host/db",
        "OFFERS_HTTP_PROXY": "http://u:canary@one:1,http://u:canary@two:2",
    }
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=7\n")
    report = show_config(*examine_config({**secrets, "OFFERS_HOME": str(tmp_path / "home")}, tmp_path))
    assert report.problems == ()
    shown = report.data()["settings"]
    assert "canary" not in str(report.data())
    assert set(shown) == {"OFFERS_HOME", *(setting.name for setting in SETTINGS)}
    assert (shown["MIN_DISCOUNT_PCT"]["value"], shown["MIN_DISCOUNT_PCT"]["origin"]) == (7, ".env")
    assert shown["MIN_DISCOUNT_PCT"]["file"] == str(tmp_path / ".env")
    assert shown["REDIS_URL"]["value"] == f"redis://{MASK}@host/0"
    assert shown["OFFERS_HTTP_PROXY"]["value"] == f"http://{MASK}@one:1,http://{MASK}@two:2"
    assert shown["SUPABASE_SERVICE_ROLE_KEY"] == {"value": MASK, "origin": "environment", "file": None, "secret": True}
    assert shown["OFFERS_LOG_FORMAT"]["origin"] == "default"


def test_a_broken_configuration_is_shown_with_all_that_is_wrong(tmp_path: Path) -> None:
    broken = {
        "MIN_DISCOUNT_PCT": "many",
        "ML_BASE_URL": "https://user:canary@shop.example",
        "SUPABASE_SERVICE_ROLE_KEY": "canary",
        "OFFERS_HOME": str(tmp_path),
    }
    report = show_config(*examine_config(broken, tmp_path))
    assert [problem.exit_code for problem in report.problems] == [3, 3, 3]
    for problem, name in zip(report.problems, ("ML_BASE_URL", "MIN_DISCOUNT_PCT", "SUPABASE"), strict=True):
        assert problem.message.startswith(name)
    assert "canary" not in str(report)


def test_files_are_named_strongest_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "offers.toml").write_text("min_discount_pct = 5\n")
    config = load_config({"OFFERS_HOME": str(home)}, tmp_path)
    files = find_config_files(config, tmp_path).files
    assert [str(file.path.relative_to(tmp_path)) for file in files] == [
        ".env",
        "home/.env",
        "offers.toml",
        "home/offers.toml",
    ]
    assert [file.exists for file in files] == [False, False, False, True]


def test_init_writes_what_the_loader_reads_back(tmp_path: Path) -> None:
    answers = {"REDIS_URL": "redis://:pa's\\s@host/0", "MIN_DISCOUNT_PCT": "15"}
    report = init(tmp_path / ".env", answers)
    assert report.set == ("REDIS_URL", "MIN_DISCOUNT_PCT")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    text = (tmp_path / ".env").read_text()
    assert all(f"{setting.name}=" in text for setting in SETTINGS)
    config = load_config({"OFFERS_HOME": str(tmp_path)}, tmp_path)
    assert config.enrichment.redis_url is not None
    assert config.enrichment.redis_url.reveal() == answers["REDIS_URL"]
    assert config.marketplace.min_discount_pct == 15


def test_every_commented_default_may_be_taken_as_it_stands(tmp_path: Path) -> None:
    """Taking every # away changes nothing."""
    init(tmp_path / ".env", {})
    lines = (tmp_path / ".env").read_text().splitlines()
    names = {setting.name for setting in SETTINGS}
    active = [line.removeprefix("# ") for line in lines if line.removeprefix("# ").partition("=")[0] in names]
    assert len(active) == len(SETTINGS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".env").write_text("\n".join(active))
    with_defaults = load_config({"OFFERS_HOME": str(tmp_path)}, tmp_path / "other")
    without = load_config({"OFFERS_HOME": str(tmp_path)}, tmp_path)
    assert (with_defaults.enrichment, with_defaults.database, with_defaults.fetch, with_defaults.marketplace) == (
        without.enrichment,
        without.database,
        without.fetch,
        without.marketplace,
    )


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_init_never_overwrites(tmp_path: Path, kind: str) -> None:
    target = tmp_path / ".env"
    match kind:
        case "file":
            target.write_text("mine")
        case "link":
            target.symlink_to(tmp_path / "nowhere")
        case _:
            target.mkdir()
    with pytest.raises(UsageError, match="exists"):
        init(target, {})
    assert kind != "file" or target.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_init_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        init(tmp_path / "file" / ".env", {})
    init(tmp_path / "home" / ".env", {})
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_any_answer_is_read_back_as_it_was_given(answer: str) -> None:
    assert dotenv_values(stream=io.StringIO(f"X={quoted(answer)}\n"), interpolate=False) == {"X": answer}


def test_init_explains_each_setting_in_the_language_that_is_spoken(tmp_path: Path, in_portuguese: None) -> None:
    path = tmp_path / ".env"
    init(path, {"ML_AFFILIATE_TAG": "minhaloja"})
    text = path.read_text("utf-8")
    assert "# Sua etiqueta de afiliado" in text
    assert "Your affiliate label" not in text
    assert load_config({"OFFERS_HOME": str(tmp_path)}, tmp_path).marketplace.affiliate_tag == "minhaloja"
