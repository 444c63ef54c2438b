"""One setting is set, unset and read in the `.env` of the home; everything else in it stays as it is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.cli.config import set_
from offers_cli.cli.service import find_unseen
from offers_cli.config import MASK, examine_config, load_config
from offers_cli.errors import ConfigError, UsageError
from offers_cli.services.init import init
from offers_cli.services.set_config import (
    ConfigSetReport,
    find_setting,
    is_secret,
    replaced,
    set_setting,
    unset_setting,
)

DISCOUNT = find_setting("MIN_DISCOUNT_PCT")
KEY = find_setting("SUPABASE_SERVICE_ROLE_KEY")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"OFFERS_HOME": str(tmp_path / "home")}


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".env"


def put(name: str, text: str, environ: dict[str, str], folder: Path) -> ConfigSetReport:
    return set_setting(find_setting(name), text, environ=environ, folder=folder)


def test_a_setting_holds_from_then_on_in_a_file_of_the_owner_alone(
    tmp_path: Path, environ: dict[str, str], dotenv: Path
) -> None:
    report = put("min-discount-pct", "20", environ, tmp_path)
    assert (report.name, report.value, report.file, report.stronger) == ("MIN_DISCOUNT_PCT", 20, dotenv, None)
    assert (dotenv.stat().st_mode & 0o777, dotenv.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (tmp_path / "elsewhere").mkdir()
    assert load_config(environ, tmp_path / "elsewhere").marketplace.min_discount_pct == 20
    unset = unset_setting(DISCOUNT, environ=environ, folder=tmp_path)
    assert (unset.value, load_config(environ, tmp_path).marketplace.min_discount_pct) == (0, 0)


def test_the_file_of_init_keeps_its_comments_and_its_order(
    tmp_path: Path, environ: dict[str, str], dotenv: Path
) -> None:
    init(dotenv, {"ML_AFFILIATE_TAG": "minhaloja"})
    before = dotenv.read_text()
    put("ENRICHMENT_JOB_TIMEOUT", "1h", environ, tmp_path)
    assert dotenv.read_text() == before.replace("# ENRICHMENT_JOB_TIMEOUT=10m\n", "ENRICHMENT_JOB_TIMEOUT=1h\n")
    unset_setting(find_setting("ENRICHMENT_JOB_TIMEOUT"), environ=environ, folder=tmp_path)
    assert dotenv.read_text() == before


def test_whatever_it_was_set_by_before_is_replaced(tmp_path: Path, environ: dict[str, str], dotenv: Path) -> None:
    """An alias, a file's name, two lines: one is left, so that none is stronger by chance."""
    dotenv.parent.mkdir()
    dotenv.write_text("SUPABASE_KEY=a\nSUPABASE_URL=https://x.example\nSUPABASE_KEY_FILE=/b\nSUPABASE_KEY='c\nd'\n")
    report = put("SUPABASE_KEY", "new", environ, tmp_path)
    assert dotenv.read_text() == "SUPABASE_SERVICE_ROLE_KEY=new\nSUPABASE_URL=https://x.example\n"
    assert report.value == MASK


def test_what_is_stronger_than_the_file_is_said(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=7\n")
    report = put("MIN_DISCOUNT_PCT", "20", environ, tmp_path)
    assert (report.value, report.stronger) == (7, f".env ({tmp_path / '.env'})")
    assert put("MIN_DISCOUNT_PCT", "20", environ | {"MIN_DISCOUNT_PCT": "9"}, tmp_path).stronger == "environment"


def test_a_path_means_the_same_from_every_directory(
    tmp_path: Path, environ: dict[str, str], dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put("OFFERS_DB", "here.db", environ, tmp_path)
    assert dotenv_values(dotenv)["OFFERS_DB"] == str(tmp_path / "here.db")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("MIN_DISCOUNT_PCT", "20%", "MIN_DISCOUNT_PCT: '20%' is not a whole number from 0 to 100, such as 20"),
        ("ML_AFILIATE_TAG", "x", "'ML_AFILIATE_TAG' is not a setting; did you mean ML_AFFILIATE_TAG?"),
        ("zzz", "x", "'zzz' is not a setting"),
        ("OFFERS_HOME", "/x", "OFFERS_HOME says where the settings are"),
        ("ML_AFFILIATE_TAG", "a\nOFFERS_DB=/x", "holds a line break"),
    ],
)
def test_what_cannot_be_set_writes_nothing(
    tmp_path: Path, environ: dict[str, str], dotenv: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        put(name, text, environ, tmp_path)
    assert said in caught.value.message
    assert caught.value.hint
    assert not dotenv.parent.exists()


def test_a_file_that_others_may_write_to_is_not_built_on(tmp_path: Path, environ: dict[str, str], dotenv: Path) -> None:
    put("MIN_DISCOUNT_PCT", "20", environ, tmp_path)
    dotenv.chmod(0o666)
    with pytest.raises(ConfigError, match="not obeyed") as caught:
        put("ML_AFFILIATE_TAG", "x", environ, tmp_path)
    assert caught.value.hint == f"chmod go-w {dotenv}"


def test_a_linked_file_stays_a_link(tmp_path: Path, environ: dict[str, str], dotenv: Path) -> None:
    """As those have it who keep their settings in a repository of their own."""
    dotenv.parent.mkdir()
    dotenv.symlink_to(tmp_path / "kept")
    put("MIN_DISCOUNT_PCT", "20", environ, tmp_path)
    assert dotenv.is_symlink()
    assert dotenv_values(tmp_path / "kept")["MIN_DISCOUNT_PCT"] == "20"


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("SUPABASE_KEY", "x", True),
        ("REDIS_URL", "redis://host/1", False),
        ("REDIS_URL", "redis://:canary@host/1", True),
        ("ML_AFFILIATE_TAG", "x", False),
    ],
)
def test_a_secret_is_no_argument(name: str, text: str, secret: bool) -> None:
    assert is_secret(find_setting(name), text) is secret
    if secret:
        with pytest.raises(UsageError, match="everybody on this machine can read arguments") as caught:
            set_(name=name, value=text)
        assert caught.value.hint == f"offers config set {find_setting(name).name} - < FILE"


def test_services_are_said_not_to_see_what_stands_elsewhere(tmp_path: Path, environ: dict[str, str]) -> None:
    put("MIN_DISCOUNT_PCT", "20", environ, tmp_path)
    (tmp_path / ".env").write_text("OFFERS_SNAPSHOTS=off\n")
    config, _ = examine_config(environ | {"ML_AFFILIATE_TAG": "x"}, tmp_path)
    assert find_unseen(config) == ("ML_AFFILIATE_TAG (environment)", f"OFFERS_SNAPSHOTS ({tmp_path / '.env'})")


LINES = st.sampled_from(
    [
        "",
        "# MIN_DISCOUNT_PCT=0",
        "MIN_DISCOUNT_PCT=5",
        "A=1",
        "  B = 'x\ny'  # c",
        "export C=2",
        "broken 'line",
        "# note",
    ]
)


@given(lines=st.lists(LINES), last_ends=st.booleans())
def test_any_other_line_of_the_file_means_what_it_meant(lines: list[str], last_ends: bool) -> None:
    text = "\n".join(lines) + ("\n" if last_ends else "")
    before = meaning(text)
    assert meaning(replaced(text, DISCOUNT, "MIN_DISCOUNT_PCT=9")) == before | {"MIN_DISCOUNT_PCT": "9"}
    gone = {name: value for name, value in before.items() if name != "MIN_DISCOUNT_PCT"}
    assert meaning(replaced(text, DISCOUNT, None)) == gone


def meaning(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text), interpolate=False))
