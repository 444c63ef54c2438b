"""The session at rest and at work: who gets which cookie, what answers change, many processes at once."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from offers_cli.affiliate.cookies import Cookie, cookie_header, read_set_cookie
from offers_cli.affiliate.login import REFUSED_REST_S, Login
from offers_cli.affiliate.session import NEEDED_COOKIES, SessionFile, with_cookies
from offers_cli.errors import ConfigError, SessionExpired, StorageUnavailable
from offers_cli.fetch.guard import Guard, SafeUrl
from offers_cli.fetch.response import Response

DOMAIN = "mercadolivre.com.br"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUARD = Guard([DOMAIN, "evil.example", "127.0.0.1", "10.0.0.1"], allow_private=True)


def address(url: str) -> SafeUrl:
    return GUARD.check_url(url)


def cookie(name: str = "ssid", value: str = "v", domain: str = DOMAIN, **more: object) -> Cookie:
    return Cookie(name=name, value=value, domain=domain, **more)  # type: ignore[arg-type]  # as each test says


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://mercadolivre.com.br/", True),
        ("https://www.mercadolivre.com.br/afiliados/hub?a=1", True),
        ("https://produto.mercadolivre.com.br/MLB-1", True),
        ("http://www.mercadolivre.com.br/", False),
        ("https://evil.example/", False),
    ],
)
def test_a_secure_domain_cookie_goes_to_its_site_encrypted(url: str, fits: bool) -> None:
    assert cookie().fits(address(url)) is fits


def test_host_path_and_loopback_rules() -> None:
    www = address("https://www.mercadolivre.com.br/afiliados/hub")
    assert not cookie(host_only=True).fits(www)
    assert cookie(domain="www.mercadolivre.com.br", host_only=True).fits(www)
    assert not cookie(domain="produto.mercadolivre.com.br").fits(www)
    assert [
        cookie(path=path).fits(www) for path in ("/", "/afiliados", "/afiliados/", "/afil", "/afiliados/hub/x")
    ] == [
        *(True, True, True),
        *(False, False),
    ]
    assert cookie(domain="127.0.0.1").fits(address("http://127.0.0.1:8000/")), "as browsers do on loopback"
    assert not cookie(domain="0.0.1").fits(address("http://127.0.0.1/")), "an address has no parent domains"


def test_the_header_leaves_out_what_is_over_and_begins_with_the_longest_path() -> None:
    now_s = NOW.timestamp()
    token = base64.urlsafe_b64encode(json.dumps({"exp": now_s - 1}).encode()).decode().rstrip("=")
    jar = [
        cookie("a", "1"),
        cookie("b", "2", path="/afiliados"),
        cookie("old", "3", expires_at=now_s),
        cookie("nsa_rotok", f"eyJ9.{token}."),
    ]
    assert cookie_header(jar, address("https://www.mercadolivre.com.br/afiliados/hub"), now_s=now_s) == "b=2; a=1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("a=1", ("a", "1", "www.mercadolivre.com.br", True, None)),
        ("a=1; Domain=.mercadolivre.com.br; Path=/; Secure; HttpOnly", ("a", "1", DOMAIN, False, None)),
        ("a=1; Max-Age=60", ("a", "1", "www.mercadolivre.com.br", True, NOW.timestamp() + 60)),
        (
            "a=1; Expires=Mon, 23 Nov 2026 12:01:00 GMT",
            ("a", "1", "www.mercadolivre.com.br", True, NOW.timestamp() + 60),
        ),
        ("a=1; Expires=never", ("a", "1", "www.mercadolivre.com.br", True, None)),
        ("a=1; Domain=com.br", None),
        ("a=1; Domain=evil.example", None),
        ("a=1; Domain=produto.mercadolivre.com.br", None),
        ("a b=1", None),
        ("=1", None),
        ("a", None),
        ("a=\x01", None),
        ("a=ü", None),
    ],
)
def test_what_an_answer_may_set(header: str, expected: object) -> None:
    found = read_set_cookie(
        header, address("https://www.mercadolivre.com.br/"), domains=[DOMAIN], now_s=NOW.timestamp()
    )
    assert (found and (found.name, found.value, found.domain, found.host_only, found.expires_at)) == expected


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    return SessionFile(tmp_path / "home" / "session.json")


def test_the_file_is_its_owner_s_alone_and_keeps_everything(file: SessionFile) -> None:
    assert file.load() is None
    jar = [cookie(expires_at=1e10, path="/x", http_only=True), cookie("_csrf", 'q"uote')]
    saved = file.replace(jar, imported_at=NOW)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.load() == saved
    assert saved.cookies == tuple(jar)
    assert [path.name for path in file.path.parent.iterdir() if path.suffix == ".tmp"] == []
    assert file.clear()
    assert not file.clear()
    assert file.load() is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o660])
def test_a_file_that_others_may_read_is_refused_and_can_be_replaced(file: SessionFile, mode: int) -> None:
    file.replace([cookie()], imported_at=NOW)
    file.path.chmod(mode)
    with pytest.raises(ConfigError, match="others"):
        file.load()
    file.replace([cookie()], imported_at=NOW)
    assert file.load()


GOOD = {
    "id": "i",
    "imported_at": NOW.isoformat(),
    "refused_at": None,
    "cookies": [{"name": "ssid", "value": "s3cr3t", "domain": DOMAIN}],
}
WRONG: list[Any] = [None, 1, 10**400, True, "s3cr3t", [], ["s3cr3t"], {"s3cr3t": 1}]


@pytest.mark.parametrize("name", ["imported_at", "refused_at", "cookies"])
@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:8])
def test_a_file_of_wrong_types_is_damaged(file: SessionFile, name: str, value: Any) -> None:
    """Nothing of it is used, so that it does not break a command later."""
    write_anew(file, {**GOOD, name: value})
    if (name, value) in [("refused_at", None), ("refused_at", []), ("cookies", [])]:
        assert file.load()
        return
    with pytest.raises(ConfigError, match="is damaged") as caught:
        file.load()
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", ["name", "value", "domain", "path", "expires_at", "secure", "http_only", "host_only"])
def test_a_cookie_of_wrong_types_is_damaged(file: SessionFile, name: str) -> None:
    kind: Any = {"expires_at": int | float | None, "secure": bool, "http_only": bool, "host_only": bool}
    for value in WRONG:
        write_anew(file, {**GOOD, "cookies": [{"name": "ssid", "value": "v", "domain": DOMAIN, name: value}]})
        if isinstance(value, kind.get(name, str)) and value != 10**400:  # which is no time
            session = file.load()
            assert session is not None
            session.missing(["ssid"], now=NOW)
            session.ends_at(["ssid"])
        else:
            with pytest.raises(ConfigError, match="is damaged"):
                file.load()


def write_anew(file: SessionFile, content: Any) -> None:
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_text(json.dumps(content))
    file.path.chmod(0o600)


def test_a_lock_that_is_a_link_is_not_followed(file: SessionFile, tmp_path: Path) -> None:
    file.path.parent.mkdir(exist_ok=True)
    file.path.with_suffix(".lock").symlink_to(tmp_path / "planted")
    with pytest.raises(StorageUnavailable):
        file.replace([cookie()], imported_at=NOW)
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"id": 1, "cookies": [{"value": "s3cr3t"}]}', b"\xff"])
def test_a_damaged_file_is_told_without_quoting_it(file: SessionFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.touch(0o600)
    file.path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        file.load()
    assert "s3cr3t" not in f"{caught.value.message} {caught.value.__cause__}"


def test_a_disk_that_says_no_is_a_service_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageUnavailable):
        SessionFile(tmp_path / "taken" / "session.json").replace([cookie()], imported_at=NOW)


def test_a_late_answer_changes_neither_a_new_session_nor_none(file: SessionFile) -> None:
    old = file.replace([cookie(value="old")], imported_at=NOW)
    new = file.replace([cookie(value="new")], imported_at=NOW)
    file.change(old.id, lambda session: with_cookies(session, [cookie(value="late")], now_s=0))
    assert file.load() == new
    file.clear()
    file.change(new.id, lambda session: with_cookies(session, [cookie(value="late")], now_s=0))
    assert file.load() is None


def _learn(path: Path, session_id: str, first: int) -> None:
    file = SessionFile(path)
    for number in range(first, first + 25):
        file.change(session_id, lambda s, n=number: with_cookies(s, [cookie(f"c{n}", str(n))], now_s=0))  # type: ignore[misc]  # a default binds the number
        assert file.load() is not None


def test_many_processes_learn_at_once_and_nothing_is_lost(file: SessionFile) -> None:
    session = file.replace([cookie()], imported_at=NOW)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_learn, args=(file.path, session.id, 25 * n)) for n in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    loaded = file.load()
    assert loaded is not None
    assert {c.name for c in loaded.cookies} == {"ssid", *(f"c{n}" for n in range(100))}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def login(file: SessionFile, clock: Clock) -> Login:
    return Login(file, domains=[DOMAIN], now=clock)


def answer(status: int = 200, *headers: tuple[str, str], url: str = "https://www.mercadolivre.com.br/x") -> Response:
    encoded = tuple((name.encode(), value.encode()) for name, value in headers)
    return Response(url=address(url), status=status, headers=encoded, chunks=())


def sent(login: Login, url: str = "https://www.mercadolivre.com.br/") -> str:
    return dict(login.headers_for(address(url))).get("Cookie", "")


def test_no_session_and_no_login_cookie_are_told(login: Login, file: SessionFile, clock: Clock) -> None:
    with pytest.raises(SessionExpired, match="no session"):
        login.get()
    assert not login.is_valid()
    assert sent(login) == ""
    file.replace([cookie(expires_at=NOW.timestamp() + 60)], imported_at=NOW)
    assert login.get()
    assert not login.is_valid(), "a needed cookie is missing"
    clock.now += timedelta(minutes=2)
    with pytest.raises(SessionExpired, match="ended") as caught:
        login.get()
    assert "session import" in caught.value.hint


def test_a_refused_session_rests_unless_a_person_insists(login: Login, file: SessionFile, clock: Clock) -> None:
    session = file.replace([cookie(name) for name in NEEDED_COOKIES], imported_at=NOW)
    assert login.is_valid()
    login.note_refused(session)
    assert not login.is_valid()
    with pytest.raises(SessionExpired, match="refuses") as caught:
        login.get()
    assert caught.value.retry_after_s == REFUSED_REST_S
    refused = login.get(insist=True)
    clock.now += timedelta(seconds=REFUSED_REST_S)
    assert login.get(), "after its rest it is tried again"
    login.note_accepted(refused)
    assert login.is_valid()


def test_answers_change_the_jar_and_each_process_keeps_its_own_token_cookie(login: Login, file: SessionFile) -> None:
    file.replace([cookie(value="1"), cookie("_csrf", "imported")], imported_at=NOW)
    login.on_response(
        answer(200, ("Set-Cookie", f"ssid=2; Domain={DOMAIN}; Secure"), ("set-cookie", "_csrf=mine; Path=/"))
    )
    assert sorted(sent(login).split("; ")) == ["_csrf=mine", "ssid=2"]
    loaded = file.load()
    assert loaded is not None
    assert {c.name: c.value for c in loaded.cookies} == {"ssid": "2", "_csrf": "imported"}
    other = Login(file, domains=[DOMAIN], now=lambda: NOW)
    assert "_csrf=imported" in sent(other)
    file.replace([cookie(value="3"), cookie("_csrf", "new")], imported_at=NOW)
    assert sorted(sent(login).split("; ")) == ["_csrf=new", "ssid=3"], "the own cookie ends with its session"
    login.on_response(answer(200, ("Set-Cookie", f"ssid=; Domain={DOMAIN}; Max-Age=0; Secure")))
    assert "ssid" not in sent(login)


@pytest.mark.parametrize(
    "told",
    [
        answer(401),
        answer(302, ("Location", "https://www.mercadolivre.com/jms/mlb/lgz/msl/login?go=x"), ("Set-Cookie", "ssid=x")),
        answer(303, ("Location", "/login/")),
    ],
)
def test_being_sent_to_the_login_is_told_and_changes_no_cookie(login: Login, file: SessionFile, told: Response) -> None:
    before = file.replace([cookie()], imported_at=NOW)
    with pytest.raises(SessionExpired):
        login.on_response(told)
    assert file.load() == before


def test_cookies_of_other_hosts_are_not_learnt(login: Login, file: SessionFile) -> None:
    before = file.replace([cookie()], imported_at=NOW)
    login.on_response(answer(200, ("Set-Cookie", "ssid=evil"), url="https://evil.example/"))
    assert file.load() == before
    assert sent(login, "https://evil.example/") == ""


def token(exp: str) -> str:
    claims = base64.urlsafe_b64encode(f'{{"exp": {exp}}}'.encode()).decode().rstrip("=")
    return f"eyJ9.{claims}.x"


@pytest.mark.parametrize(
    "exp",
    ["1" + "0" * 400, "1" + "0" * 5000, "-1e300", "1e300", "1e999", "NaN", "-1", "true", "null", '"1"', "[1]", "{}"],
)
def test_a_token_that_ends_at_no_time_tells_none(file: SessionFile, exp: str) -> None:
    """Imported, or set by an answer: it is read as unknown, and the session goes on."""
    jar = [cookie("ssid", token(exp)), cookie("other")]
    session = file.replace(jar, imported_at=NOW)
    assert session.ends_at(["ssid"]) is None
    assert session.missing(["ssid"], now=NOW) == ()
    www = address(f"https://www.{DOMAIN}/")
    set_by_answer = read_set_cookie(f"ssid={token(exp)}; Domain={DOMAIN}", www, domains=[DOMAIN], now_s=NOW.timestamp())
    assert len(token(exp)) > 4096 or set_by_answer
    file.change(
        session.id, lambda known: with_cookies(known, [set_by_answer] if set_by_answer else [], now_s=NOW.timestamp())
    )
    loaded = file.load()
    assert loaded
    assert "ssid=" in cookie_header(loaded.cookies, www, now_s=NOW.timestamp())


def test_an_answer_sets_no_more_and_no_larger_cookies_than_a_browser_keeps(file: SessionFile) -> None:
    """Nor does it drive the login out of a full jar."""
    www = address(f"https://www.{DOMAIN}/")
    assert read_set_cookie("a=" + "x" * 4096, www, domains=[DOMAIN], now_s=0) is None
    long_path = read_set_cookie("a=1; Path=/" + "x" * 4096, www, domains=[DOMAIN], now_s=0)
    assert long_path
    assert long_path.path == "/"
    session = file.replace([cookie("ssid")], imported_at=NOW)
    flood = [cookie(f"c{number}", "x" * 4000, path="/" + "p" * 1000) for number in range(3_000)]
    file.change(session.id, lambda known: with_cookies(known, flood, now_s=0))
    loaded = file.load()
    assert loaded
    assert loaded.cookies[0].name == "ssid"
    assert len(loaded.cookies) == 1_000


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "huge", "NUL", "nested"])
def test_what_is_no_session_file_is_told_at_once(file: SessionFile, kind: str) -> None:
    """Nothing waits for a pipe's other end or reads what never ends; an import puts a file in its place."""
    path = file.path
    path.parent.mkdir(mode=0o700)
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir(mode=0o700)
    elif kind == "link":
        (path.parent / "elsewhere").touch(0o600)
        path.symlink_to("elsewhere")
    else:
        path.touch(0o600)
        path.write_bytes({"NUL": b"\0" * 100, "nested": b"[" * 1_000_000, "huge": b" "}[kind])
        if kind == "huge":
            os.truncate(path, 2**40)
    with pytest.raises(ConfigError, match=path.name) as caught:
        file.load()
    assert "offers session import" in caught.value.hint
    if kind != "folder":
        file.replace([cookie()], imported_at=NOW)
        assert file.load()
        assert not path.is_symlink()
