"""Import and check of a session: facts, never values; a bad export changes nothing."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from offers_cli.affiliate.session import NEEDED_COOKIES, SessionFile, SessionKeeper
from offers_cli.errors import QueueUnavailable, SessionExpired, UsageError
from offers_cli.marketplaces.mercado_livre import MercadoLivre

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DOMAIN = "mercadolivre.com.br"


class Clock:
    now = NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keeper(tmp_path: Path, clock: Clock) -> SessionKeeper:
    return SessionKeeper(SessionFile(tmp_path / "session.json"), MercadoLivre(), now=lambda: clock.now)


def token(expires_at: datetime) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires_at.timestamp()}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.sig"


def jar(**changed: str | None) -> bytes:
    values = dict.fromkeys(NEEDED_COOKIES, "s3cr3t") | {"nsa_rotok": token(NOW + timedelta(days=30, hours=1))} | changed
    return "; ".join(f"{name}={value}" for name, value in values.items() if value is not None).encode()


def none_wait() -> int:
    return 0


def test_a_whole_jar_is_valid_and_says_when_it_ends(keeper: SessionKeeper, clock: Clock) -> None:
    report = keeper.import_cookies(jar(), resume=lambda: 7)
    assert report.problems == ()
    data = report.data()
    assert (data["valid"], data["missing"], data["left_out"], data["resumed"]) == (True, [], 0, 7)
    assert (data["age_days"], data["days_left"], data["expires_at"]) == (0, 30, "2026-12-23T13:00:00Z")
    clock.now += timedelta(days=3)
    assert keeper.check().data() == {
        **{name: data[name] for name in ("valid", "missing", "cookies", "imported_at", "expires_at", "refused_at")},
        "age_days": 3,
        "days_left": 27,
    }
    clock.now += timedelta(days=28)
    over = keeper.check()
    assert (over.valid, over.missing, over.days_left) == (False, ("nsa_rotok",), -1)
    assert over.problems[0].code == "session_expired"
    assert "s3cr3t" not in f"{over} {report}"


@pytest.mark.parametrize("name", NEEDED_COOKIES[1:])
def test_a_missing_cookie_is_named(name: str, keeper: SessionKeeper) -> None:
    report = keeper.import_cookies(jar(**{name: None}), resume=none_wait)
    assert (report.valid, report.missing) == (False, (name,))
    assert name in report.problems[0].message
    assert report.problems[0].exit_code == 3


@pytest.mark.parametrize(
    "bad", [jar(ssid=None), b"", b"[]", json.dumps([{"name": "ssid", "value": "x", "domain": "x.y"}]).encode()]
)
def test_a_bad_export_leaves_the_session_as_it_is(bad: bytes, keeper: SessionKeeper) -> None:
    keeper.import_cookies(jar(), resume=none_wait)
    before = keeper.file.load()
    with pytest.raises(UsageError) as caught:
        keeper.import_cookies(bad, resume=none_wait)
    assert caught.value.hint
    assert keeper.file.load() == before


EXPIRED = jar(nsa_rotok=token(NOW - timedelta(days=9)))


@pytest.mark.parametrize("worse", [EXPIRED, jar(_csrf=None)], ids=["expired", "partial"])
def test_a_session_that_works_is_not_replaced_by_one_that_does_not(worse: bytes, keeper: SessionKeeper) -> None:
    keeper.import_cookies(jar(), resume=none_wait)
    before = keeper.file.load()
    with pytest.raises(SessionExpired, match="works, and was kept") as caught:
        keeper.import_cookies(worse, resume=none_wait)
    assert "offers session clear" in caught.value.hint
    assert keeper.file.load() == before


def test_a_session_that_does_not_work_is_replaced_by_any_and_wakes_nobody(keeper: SessionKeeper) -> None:
    """Nothing is lost; what the new one lacks is named."""

    def wakes() -> int:
        raise AssertionError("jobs that wait for a login were woken for one that does not work")

    for _ in range(2):
        report = keeper.import_cookies(EXPIRED, resume=wakes)
        assert (report.valid, report.missing, report.resumed) == (False, ("nsa_rotok",), 0)
    keeper.file.path.chmod(0o644)
    assert not keeper.import_cookies(EXPIRED, resume=wakes).valid, "one that others may have read is none to keep"


def test_cookies_of_other_sites_are_counted_and_left_out(keeper: SessionKeeper) -> None:
    mine = [{"name": name, "value": "v", "domain": f".{DOMAIN}"} for name in NEEDED_COOKIES]
    others = [
        {"name": "sid", "value": "other", "domain": domain} for domain in (".google.com", f"{DOMAIN}.evil.example")
    ]
    report = keeper.import_cookies(json.dumps(mine + others).encode(), resume=none_wait)
    assert (report.left_out, report.cookies) == (2, 5)
    assert "other" not in keeper.file.path.read_text()


def test_a_queue_that_does_not_answer_costs_no_import(keeper: SessionKeeper) -> None:
    def away() -> int:
        raise QueueUnavailable("away")

    report = keeper.import_cookies(jar(), resume=away)
    assert (report.resumed, report.valid) == (None, True)


def test_a_host_of_our_own_stands_for_the_marketplace_at_import(tmp_path: Path, clock: Clock) -> None:
    host = "127.0.0.1"
    shop = MercadoLivre(f"http://{host}:8000")
    keeper = SessionKeeper(SessionFile(tmp_path / "session.json"), shop, now=lambda: clock.now)
    mine = [{"name": name, "value": "v", "domain": f".{DOMAIN}"} for name in NEEDED_COOKIES]
    assert keeper.import_cookies(json.dumps(mine).encode(), resume=none_wait).valid
    session = keeper.file.load()
    assert session is not None
    assert {cookie.domain for cookie in session.cookies} == {host}
    assert keeper.clear().cleared
    assert not keeper.check().valid
