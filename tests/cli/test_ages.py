"""Ages and moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from offers_cli.cli.options import parse_age, parse_since
from offers_cli.errors import UsageError

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5m", 90), ("12h", 43_200), ("7d", 604_800)])
def test_an_age_has_its_unit(text: str, seconds: float) -> None:
    assert parse_age(text, "--older-than") == seconds


def test_weeks_are_an_age_too() -> None:
    assert parse_age("2w", "--older-than") == timedelta(weeks=2).total_seconds()
    assert parse_since("1w", "--since", now=NOW) == NOW - timedelta(weeks=1)


@pytest.mark.parametrize("text", ["7", " 7 ", "0.5"])
def test_a_number_without_unit_is_refused_and_the_unit_asked_for(text: str) -> None:
    with pytest.raises(UsageError, match=r"--recheck-after .*the unit is missing: s, m, h, d or w") as refused:
        parse_age(text, "--recheck-after")
    assert refused.value.hint == f"--recheck-after {text.strip()}d"


@pytest.mark.parametrize("text", ["2026-11-24", "24/11/2026"])
def test_a_day_is_read_as_iso_and_as_brazil_writes_it(text: str) -> None:
    assert parse_since(text, "--since", now=NOW) == datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("text", ["24/11/26", "31/02/2026", "11/24/2026", "24-11-2026", "1y", "w", "24/11/2026 10:00"])
def test_a_day_that_is_none_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        parse_since(text, "--since", now=NOW)


@pytest.mark.usefixtures("sao_paulo")
def test_a_moment_without_zone_is_a_local_one() -> None:
    assert parse_since("24/11/2026", "--since", now=NOW) == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert parse_since("2026-11-24T10:00", "--since", now=NOW) == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert parse_since("2026-11-24T10:00Z", "--since", now=NOW) == datetime(2026, 11, 24, 10, tzinfo=UTC)
