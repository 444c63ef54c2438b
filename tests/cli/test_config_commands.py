"""`config get` and `config set` as a shell has them: a value alone, a secret through a pipe."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dotenv import dotenv_values

from offers_cli.cli.init import init_blocks
from offers_cli.cli.main import main
from offers_cli.cli.render import Note
from offers_cli.services.init import InitReport


def test_a_secret_comes_through_a_pipe(
    anywhere: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"canary\n")))
    assert main(["config", "set", "SUPABASE_KEY", "-"]) == 0
    assert main(["config", "get", "supabase_key"]) == 3, "its address is missing"
    assert "canary" not in "".join(capsys.readouterr())
    assert dotenv_values(tmp_path / "home" / ".env")["SUPABASE_SERVICE_ROLE_KEY"] == "canary"


@pytest.mark.parametrize(
    ("data", "why"), [(b"c4nary" * 2**18, "more than a file of settings may"), (b"c4nary\xff", "not UTF-8")]
)
def test_what_cannot_be_a_value_is_refused_whole(
    data: bytes, why: str, anywhere: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first part of a secret would be refused much later, by whom it is for."""
    anywhere.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert main(["config", "set", "SUPABASE_KEY", "-"]) == 2
    told = capsys.readouterr().err
    assert "SUPABASE_SERVICE_ROLE_KEY" in told
    assert why in told
    assert "c4nary" not in told
    assert not (tmp_path / "home" / ".env").exists()


@pytest.mark.parametrize(
    ("given", "first"), [((), "offers scrape ofertas"), (("ML_AFFILIATE_TAG",), "offers session import FILE")]
)
def test_init_ends_with_both_ways_to_begin(given: tuple[str, ...], first: str) -> None:
    """Without the login nobody learns that the hub and links of one's own need it; with a label it comes first."""
    _, *steps = init_blocks(InitReport(file=Path(".env"), set=given))
    told = [step.text for step in steps if isinstance(step, Note)]
    assert told[0].startswith(f"next: {first}")
    assert all(any(step in text for text in told) for step in ("offers scrape ofertas", "offers session import FILE"))


def test_one_setting_is_read_as_a_script_needs_it(
    anywhere: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere.setenv("ENRICHMENT_JOB_TIMEOUT", "3600")
    anywhere.setenv("MIN_DISCOUNT_PCT", "many")
    assert main(["config", "get", "ENRICHMENT_JOB_TIMEOUT"]) == 0, "another one's trouble is not its own"
    assert main(["config", "get", "OFFERS_HOME"]) == 0
    assert capsys.readouterr().out.splitlines() == ["1h", str(tmp_path / "home")]
    assert main(["config", "get", "MIN_DISCOUNT_PCT"]) == 3
    assert "'many' is not a whole number" in capsys.readouterr().err
