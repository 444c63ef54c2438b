"""The affiliate's account, end to end: session, hub, links, expiry, secrets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from acceptance.program import PROGRAM, Program, at_shop
from shop import Shop
from waiting import NEVER_S, wait_until

from offers_cli.demo.catalogue import Catalogue

TAG = "demonstracao"
CREATE = "/affiliate-program/api/v2/affiliates/createLink"
ACCOUNT = ("/afiliados/", "/affiliate-program/")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(Catalogue(60, 1, ()), csrf_uses=4) as running:
        yield running


@pytest.fixture
def program(offers: Program, shop: Shop) -> Program:
    return at_shop(offers, shop, ML_AFFILIATE_TAG=TAG)


def cookie_editor(shop: Shop, cookies: dict[str, str]) -> str:
    host = urlsplit(shop.url).hostname
    return json.dumps(
        [{"name": n, "value": v, "domain": host, "path": "/", "secure": True} for n, v in cookies.items()]
    )


def log_in(program: Program, shop: Shop) -> dict[str, object]:
    """Import a fresh login, forget the export, and return what the import told."""
    file = program.home.parent / "cookies.json"
    file.write_text(cookie_editor(shop, shop.log_in()))
    imported = program.json("session", "import", str(file))
    file.unlink()
    assert imported.code == 0, imported.err
    assert imported.data["valid"] is True
    return imported.data


def calls(shop: Shop, path: str = CREATE) -> list[int]:
    return [seen.status for seen in shop.requests if seen.path.startswith(path)]


def rows(program: Program) -> dict[str, dict[str, object]]:
    return {row["external_id"]: row for row in program.json("list", "--limit", "1000").data["offers"]}


def test_the_hub_is_read_in_full_and_every_offer_gets_its_link(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    scraped = program.json("scrape", "--pages", "100")
    assert scraped.code == 0, scraped.err
    assert (scraped.data["seen"], scraped.data["new"], scraped.data["enqueued"]) == (60, 60, 60)
    program.json("worker", "--burst")
    truth = {offer.external_id: offer for offer in shop.offers}
    found = rows(program)
    assert {id_: row["commission_pct"] for id_, row in found.items()} == {i: o.commission_pct for i, o in truth.items()}
    assert {row["source"] for row in found.values()} == {"hub"}
    refused = {id_ for id_, offer in truth.items() if offer.link_refusal_code}
    assert {id_ for id_, row in found.items() if not row["affiliate_link"]} == refused
    assert {id_ for id_, row in found.items() if not row["affiliation_id"]} == refused
    assert all(row["enriched_at"] for row in found.values()), "a refused link does not spoil the page"
    failures = program.json("stats").data["failures"]
    assert failures == ({"link_refused": len(refused)} if refused else {})
    assert {found[id_]["enrich_error"] for id_ in refused} == {"link_refused"}
    missing = program.json("enqueue-missing", "--missing", "affiliate-link").data
    assert missing["found"] == 0, "a refusal is an answer"


def test_many_offers_take_few_calls_at_the_given_rate(offers: Program) -> None:
    with Shop(Catalogue(200, 3, ()), csrf_uses=50) as shop:
        program = at_shop(offers, shop, ML_AFFILIATE_TAG=TAG)
        log_in(program, shop)
        program.env["ENRICHMENT_REQUEST_DELAY_S"] = "0.01"
        assert program.json("scrape", "hub", "--pages", "100").data["enqueued"] == 200
        program.json("worker", "--burst", "--quiet")
        found = rows(program)
        assert sum(bool(row["enriched_at"]) for row in found.values()) == 200
        refused = sum(offer.link_refusal_code is not None for offer in shop.offers)
        assert sum(bool(row["affiliate_link"]) for row in found.values()) == 200 - refused
        assert len(calls(shop)) <= 200 / 20 + 5, "batches are filled"
        times = sorted(seen.at for seen in shop.requests)
        assert times[-1] - times[0] >= 0.0099 * (len(times) - 1), "one clock for pages and calls"


def test_offers_that_lack_a_link_alone_are_not_fetched(program: Program, shop: Shop) -> None:
    program.json("scrape", "ofertas", "--pages", "100")
    program.json("worker", "--burst")
    assert not any(row["affiliate_link"] for row in rows(program).values()), "no session, no link yet, no failure"
    log_in(program, shop)
    before = len(shop.requests)
    assert program.json("enqueue-missing").data["found"] == 60
    program.json("worker", "--burst")
    since = [seen.path for seen in shop.requests[before:]]
    assert all(path.startswith(ACCOUNT) for path in since)
    assert len(since) <= 60 / 20 + 3
    assert sum(bool(row["affiliate_link"]) for row in rows(program).values()) > 40


def test_a_session_that_ends_half_way_loses_nothing(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    assert program.json("scrape", "hub", "--pages", "100").data["enqueued"] == 60
    shop.expire_session(after_requests=2)
    first = program.json("worker", "--burst")
    refused = {offer.external_id for offer in shop.offers if offer.link_refusal_code}
    assert first.data["failed"] == sum(id_ in refused for id_, row in rows(program).items() if row["enrich_error"])
    found = rows(program)
    assert all(row["enriched_at"] for row in found.values()), "pages go on without the session"
    linked = {id_ for id_, row in found.items() if row["affiliate_link"]}
    assert 0 < len(linked) < 60 - len(refused)
    assert first.data["snoozed"] == 60 - first.data["succeeded"] - first.data["failed"] > 0
    assert "session_expired" in first.codes, "the operator is told what is missing"
    asked = len([seen for seen in shop.requests if seen.path.startswith(ACCOUNT) and seen.status in {302, 401, 403}])
    assert asked <= 3, "a refused session is not tried for every offer"

    check = program.json("session", "check")
    assert (check.code, check.data["valid"]) == (3, False)
    assert program.json("stats").data["queue"]["scheduled"] == first.data["snoozed"]

    pages = len([seen for seen in shop.requests if not seen.path.startswith(ACCOUNT)])
    assert log_in(program, shop)["resumed"] == first.data["snoozed"]
    second = program.json("worker", "--burst")
    assert second.data["snoozed"] == 0
    assert {id_ for id_, row in rows(program).items() if not row["affiliate_link"]} == refused
    assert pages == len([seen for seen in shop.requests if not seen.path.startswith(ACCOUNT)]), (
        "pages are not read twice"
    )
    assert program.json("stats").data["queue"]["scheduled"] == 0


def test_tokens_that_wear_out_or_are_revoked_are_taken_anew(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    shop.rotate_csrf()
    program.json("scrape", "hub", "--pages", "100")
    program.json("worker", "--burst")
    assert program.json("session", "check").data["valid"] is True
    assert sum(bool(row["affiliate_link"]) for row in rows(program).values()) > 40


def nothing_rests(program: Program) -> bool:
    """Work once more; whether no job waits for its time after that."""
    program.json("worker", "--burst")
    return not program.json("stats").data["queue"]["scheduled"]


def test_a_rate_limit_on_the_account_is_waited_out(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub", "--limit", "10")
    shop.fail(429, retry_after=1, times=1, below="/affiliate-program/")
    first = program.json("worker", "--burst")
    refused = {offer.external_id for offer in shop.offers if offer.link_refusal_code} & set(rows(program))
    assert first.data["failed"] <= len(refused), "the limit fails nothing"
    wait_until(lambda: nothing_rests(program), "all jobs that rest are done")
    assert {id_ for id_, row in rows(program).items() if not row["affiliate_link"]} == refused


def test_a_link_that_credits_another_label_is_not_saved(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub")
    shop.relabel_links("alheio")
    program.json("worker", "--burst")
    found = rows(program)
    assert not any(row["affiliate_link"] for row in found.values())
    assert all(row["enriched_at"] for row in found.values())


def test_an_unknown_label_is_said_at_once_and_mending_it_wakes_what_waited(program: Program, shop: Shop) -> None:
    """Prices are enriched meanwhile, the programme is asked once, and everybody who is asked names the label."""
    log_in(program, shop)
    program.json("scrape", "hub")
    program.env["ML_AFFILIATE_TAG"] = "outra"
    worked = program.json("worker", "--burst")
    assert (worked.data["failed"], worked.data["snoozed"]) == (0, 24)
    assert all(row["enriched_at"] for row in rows(program).values())
    assert len(calls(shop)) == 1
    assert "the label was refused" in worked.err
    again = program.json("worker", "--burst")
    for burst in (worked, again):
        assert (burst.code, burst.codes) == (3, ["label_refused"]), "also when another run put them off"
        [error] = burst.document["errors"]
        assert "24 jobs wait" in error["message"]
        assert "the label outra:" in error["message"]
        assert "ML_AFFILIATE_TAG" in error["hint"]
    [finding] = [each for each in program.json("doctor").data["checks"] if each["name"] == "label"]
    assert (finding["state"], finding["code"]) == ("problem", "label_refused")
    assert "24 links wait" in finding["evidence"]
    program.env["ML_AFFILIATE_TAG"] = TAG
    [finding] = [each for each in program.json("doctor").data["checks"] if each["name"] == "label"]
    assert (finding["state"], finding["advice"]) == ("warning", "offers worker"), "the label is another now"
    assert program.json("session", "check").data["valid"] is True, "the login is not to blame"

    mended = program.json("worker", "--burst")
    assert (mended.code, mended.data["snoozed"]) == (0 if not mended.data["failed"] else 1, 0)
    refused = {offer.external_id for offer in shop.offers if offer.link_refusal_code}
    assert {id_ for id_, row in rows(program).items() if not row["affiliate_link"]} == refused & set(rows(program))


@pytest.mark.parametrize("ended", [True, False])
def test_the_hub_without_a_login_is_told_and_never_empty(program: Program, shop: Shop, ended: bool) -> None:
    if ended:
        log_in(program, shop)
        shop.expire_session()
    result = program.json("scrape", "hub")
    assert result.code == 3
    assert result.codes == ["session_expired"]
    assert "session import" in result.document["errors"][0]["hint"]
    assert program.json("scrape").data["seen"] > 0, "without a valid session the default is the public page"


def test_the_hub_s_filters(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub", "--extra-commission", "--pages", "100", "--no-enqueue")
    assert set(rows(program)) == {offer.external_id for offer in shop.offers if offer.extra_commission}
    assert program.json("scrape", "hub", "--category", "MLB1574", "--pages", "100", "--no-enqueue").data["seen"] == 20
    assert program.json("scrape", "hub", "--best-seller", "--limit", "7", "--no-enqueue").data["seen"] == 7
    assert program.json("scrape", "ofertas", "--best-seller").code == 2
    assert program.json("scrape", "hub", "--category", "all").code == 2


def test_links_are_checked_and_the_lost_ones_listed(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub", "--limit", "10")
    program.json("worker", "--burst")
    ours = program.json("links", "check")
    assert (ours.code, ours.data["ours"], ours.data["links"]) == (0, ours.data["stored"], [])
    shop.relabel_links("alheio")
    lost = program.json("links", "check", "--sample", "4")
    assert (lost.code, lost.data["checked"], lost.data["foreign"]) == (1, 4, 4)
    assert {link["label"] for link in lost.data["links"]} == {"alheio"}
    assert program.json("links", "check", ML_AFFILIATE_TAG="").code == 3
    assert all("cookie" not in seen.headers for seen in shop.requests if seen.path.startswith("/sec/"))


def test_cookies_stand_nowhere_but_in_the_session_file(program: Program, shop: Shop) -> None:
    """A canary in every cookie, then a full run with failures; everything that was written or said is searched."""
    cookies = {name: f"CANARY{number}{value}" for number, (name, value) in enumerate(shop.log_in().items())}
    live = shop.log_in()
    cookies |= {"ssid": live["ssid"], "_csrf": live["_csrf"], "extra": "CANARY9"}
    secrets = [value for value in cookies.values() if len(value) > 6]
    program.env |= {"OFFERS_SNAPSHOTS": "all", "ENRICHMENT_REQUEST_DELAY_S": "0.005"}
    said = []
    file = program.home.parent / "cookies.json"
    file.write_text(cookie_editor(shop, cookies))
    said.append(program("session", "import", str(file), "-v"))
    file.unlink()
    said.append(program("scrape", "hub", "--pages", "3", "-v"))
    worker = program.start("worker", "--burst", "-v")
    listed = subprocess.run(["ps", "axww", "-o", "args,pid"], capture_output=True, text=True, check=True).stdout
    listed += _environment(worker.pid)
    out, err = worker.communicate(timeout=NEVER_S)
    shop.expire_session()
    said += [program("scrape", "hub", "-v"), program("--debug", "session", "check"), program.json("stats")]
    text = listed + out + err + "".join(result.out + result.err for result in said)
    assert not [secret for secret in secrets if secret in text]

    kept = [path for path in program.home.rglob("*") if path.is_file() and path.name != "session.json"]
    assert len(kept) > 10
    assert any(path.suffix == ".aof" for path in kept), "Redis's own file is among them"
    for path in kept:
        data = _unpacked(path)
        assert not [secret for secret in secrets if secret.encode() in data], path
    assert (program.home / "session.json").stat().st_mode & 0o777 == 0o600
    sent = [seen for seen in shop.requests if "cookie" in seen.headers]
    assert sent
    assert all(seen.path.startswith(ACCOUNT) for seen in sent), "pages for everyone are fetched without the login"


def _unpacked(path: Path) -> bytes:
    import gzip

    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return ""


def test_a_session_that_others_may_read_is_refused(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    (program.home / "session.json").chmod(0o644)
    for words in (("session", "check"), ("scrape", "hub")):
        result = program.json(*words)
        assert result.code == 3
        assert result.codes == ["config_invalid"]
    assert program.json("session", "clear").data["cleared"] is True
    assert program.json("session", "clear").data["cleared"] is False
    assert program.json("session", "check").data["missing"][0] == "ssid"


def test_pages_that_fail_keep_no_offer_from_its_link(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub", "--limit", "10")
    shop.rename_price_classes()
    worked = program.json("worker", "--burst")
    refused = {offer.external_id for offer in shop.offers if offer.link_refusal_code}
    found = rows(program)
    assert worked.data["failed"] == 10
    assert {row["enrich_error"] for row in found.values()} == {"page_changed"}, "the page's failure is the job's"
    assert {id_ for id_, row in found.items() if not row["affiliate_link"]} == refused & set(found)
    shop.recover()
    calls_before = len(calls(shop))
    program.json("requeue-failed")
    program.json("worker", "--burst")
    assert all(row["enriched_at"] for row in rows(program).values())
    assert len(calls(shop)) == calls_before, "what the programme answered is not asked again"


def test_a_wall_before_the_account_pauses_and_loses_nothing(program: Program, shop: Shop) -> None:
    log_in(program, shop)
    program.json("scrape", "hub", "--limit", "10")
    shop.wall(1.5, kind="micro_landing")
    refused = {offer.external_id for offer in shop.offers if offer.link_refusal_code} & set(rows(program))
    assert program.json("worker", "--burst").data["failed"] <= len(refused), "the wall fails nothing"
    assert program.json("session", "check").data["valid"] is True, "a wall says nothing about the session"
    wait_until(lambda: nothing_rests(program), "all jobs that rest are done")
    assert {id_ for id_, row in rows(program).items() if not row["affiliate_link"]} == refused


def test_a_session_for_one_address_is_not_sent_to_another(program: Program, shop: Shop) -> None:
    jar = [{"name": name, "value": value, "domain": ".mercadolivre.com.br"} for name, value in shop.log_in().items()]
    file = program.home.parent / "cookies.json"
    file.write_text(json.dumps(jar))
    real = "https://www.mercadolivre.com.br"
    assert program.json("session", "import", str(file), ML_BASE_URL=real).data["valid"] is True
    assert program.json("session", "check").data["valid"] is False
    assert program.json("scrape", "hub").codes == ["session_expired"]
    assert not [seen for seen in shop.requests if "cookie" in seen.headers]
    assert program.json("session", "check", ML_BASE_URL=real).data["valid"] is True, "and was refused by nobody"


@pytest.mark.parametrize("form", ["editor", "playwright", "netscape", "header", "curl"])
def test_each_form_logs_in_by_file_and_by_pipe(program: Program, shop: Shop, form: str) -> None:
    cookies, host = shop.log_in(), urlsplit(shop.url).hostname
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    text = {
        "editor": cookie_editor(shop, cookies),
        "playwright": json.dumps({"cookies": json.loads(cookie_editor(shop, cookies)), "origins": []}),
        "netscape": "".join(f"#HttpOnly_{host}\tFALSE\t/\tTRUE\t0\t{n}\t{v}\n" for n, v in cookies.items()),
        "header": f"Cookie: {header}",
        "curl": f"curl '{shop.url}/afiliados/hub' -H 'accept: */*' -H 'cookie: {header}'",
    }[form]
    file = program.home.parent / "export"
    file.write_text(text)
    by_file = program.json("session", "import", str(file)).data
    with file.open() as stream:
        done = subprocess.run(
            [str(PROGRAM), "session", "import", "-", "--json"],
            stdin=stream,
            env=program.environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    by_pipe = json.loads(done.stdout)["data"]
    facts = ("valid", "missing", "cookies", "expires_at", "left_out")
    assert {name: by_file[name] for name in facts} == {name: by_pipe[name] for name in facts}
    assert (by_file["valid"], by_file["cookies"]) == (True, 5)
    assert program.json("scrape", "hub", "--no-enqueue").data["seen"] == 24


def cookies_by_path(shop: Shop) -> dict[str, bool]:
    """For each product page that was asked for, whether the login's cookie came along."""
    seen = [each for each in shop.requests if "/p/" in each.path or "/up/" in each.path or "/MLB-" in each.path]
    return {each.path: "ssid=" in each.headers.get("cookie", "") for each in seen}


@pytest.mark.parametrize("pages_as", ["guest", "session"])
def test_product_pages_are_asked_for_as_the_operator_wants_it(program: Program, shop: Shop, pages_as: str) -> None:
    log_in(program, shop)
    program.env |= {"ENRICHMENT_PAGES_AS": pages_as}
    program.json("scrape", "ofertas")
    worked = program.json("worker", "--burst")
    found = cookies_by_path(shop)
    assert len(found) > 5, worked.err
    assert set(found.values()) == {pages_as == "session"}
    listings = [each for each in shop.requests if each.path.startswith(("/ofertas", "/robots"))]
    assert not any("cookie" in each.headers for each in listings), "a listing is everybody's"


def test_without_a_session_pages_are_asked_for_as_a_guest(program: Program, shop: Shop) -> None:
    program.env |= {"ENRICHMENT_PAGES_AS": "session"}
    program.json("scrape", "ofertas")
    assert program.json("worker", "--burst").data["failed"] == 0
    assert set(cookies_by_path(shop).values()) == {False}


def test_a_login_that_ended_puts_pages_off_and_a_new_one_wakes_them(program: Program, shop: Shop) -> None:
    """They are not asked for as a guest instead: that would show other pages than those wanted."""
    program.env |= {"ENRICHMENT_PAGES_AS": "session"}
    del program.env["ML_AFFILIATE_TAG"]
    log_in(program, shop)
    waiting = program.json("scrape", "ofertas").data["enqueued"]
    shop.demand_login()
    worked = program.json("worker", "--burst")
    assert worked.data["failed"] == worked.data["succeeded"] == 0
    assert program.json("stats").data["queue"]["scheduled"] == waiting
    assert len(cookies_by_path(shop)) <= 8, "a login that the site refused is not tried for each page"
    shop.recover()
    log_in(program, shop)
    assert program.json("worker", "--burst").data["succeeded"] == waiting


def test_the_cookies_never_leave_the_shop(program: Program, shop: Shop) -> None:
    """Not even when a product page redirects to another host that may be fetched."""
    program.env |= {"ENRICHMENT_PAGES_AS": "session", "OFFERS_ALLOWED_HOSTS": "localhost"}
    log_in(program, shop)
    with Shop(Catalogue(60, 1, ())) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        program.json("add", f"{elsewhere}{other.offers[0].path}")
        shop.move_pages(elsewhere)
        program.json("add", *(f"{shop.url}{offer.path}" for offer in shop.offers[:3]))
        assert len(cookies_by_path(shop)) == 3
        assert all(cookies_by_path(shop).values())
        assert len(cookies_by_path(other)) == 3
        assert not any("cookie" in each.headers for each in other.requests)


def test_links_can_be_made_by_hand(program: Program, shop: Shop) -> None:
    """Without a session: the list for the programme's page, and its answer read back."""
    program.json("scrape", "ofertas", "--no-enqueue")
    waiting = program.json("links", "pending", "--limit", "6").data["offers"]
    plain = program("links", "pending", "--limit", "6")
    assert plain.out.splitlines() == [offer["url"] for offer in waiting]
    made = [offer for offer in waiting if not shop.refuses_link(offer["external_id"])]
    answer = program.home.parent / "answer.csv"
    answer.write_text("".join(f"{offer['url']},{shop.share(offer['external_id'])}\n" for offer in made))
    done = program.json("links", "import", str(answer))
    assert (done.code, done.data["imported"], done.data["refused"]) == (0, len(made), 0), done.err
    assert {id_ for id_, row in rows(program).items() if row["affiliate_link"]} == {o["external_id"] for o in made}
    assert program.json("links", "check").data["ours"] == len(made)
    shop.relabel_links("alheia")
    other = next(
        o.external_id
        for o in shop.offers
        if o.external_id not in {offer["external_id"] for offer in waiting} and not o.link_refusal_code
    )
    answer.write_text(shop.share(other))
    foreign = program.json("links", "import", str(answer))
    assert (foreign.code, foreign.codes, foreign.data["imported"]) == (1, ["link_foreign"], 0)


def test_jobs_for_links_that_nobody_can_make_are_not_queued(program: Program, shop: Shop) -> None:
    program.json("scrape", "ofertas", "--no-enqueue")
    without_session = program.json("enqueue-missing", "--missing", "affiliate-link")
    assert (without_session.code, without_session.codes) == (3, ["config_invalid"])
    assert "offers session import" in without_session.document["errors"][0]["hint"]
    del program.env["ML_AFFILIATE_TAG"]
    without_label = program.json("enqueue-missing", "--missing", "affiliate-link", "--missing", "old-price")
    assert (without_label.code, without_label.document["errors"][0]["hint"]) == (3, "set ML_AFFILIATE_TAG")
    assert program.json("stats").data["queue"]["queued"] == 0
    program.env["ML_AFFILIATE_TAG"] = TAG
    log_in(program, shop)
    assert program.json("enqueue-missing", "--missing", "affiliate-link").data["enqueued"] > 0
