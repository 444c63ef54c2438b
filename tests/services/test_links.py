"""Batches of links: full ones at once, partial ones after a moment, an outcome for everyone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from offers_cli.errors import Bug, LinkRefused, OffersError, SessionExpired
from offers_cli.marketplaces.mercado_livre.affiliate_links import Link
from offers_cli.services.links import LinkMaker, Outcome


class Programme:
    """Answers calls for links, and remembers them."""

    def __init__(self, refused: Sequence[str] = (), failure: Exception | None = None) -> None:
        self.calls: list[Sequence[str]] = []
        self.refused = refused
        self.failure = failure

    def __call__(self, urls: Sequence[str]) -> Mapping[str, Outcome]:
        self.calls.append(urls)
        if self.failure:
            raise self.failure
        return {url: LinkRefused(url) if url in self.refused else link(url) for url in urls}


def link(url: str) -> Link:
    return Link(url=f"short:{url}", affiliation_id=None)


def get_all(maker: LinkMaker, urls: Sequence[str], *, threads: int) -> list[Link | Exception]:
    """Each address asked for by one job of as many as run at once."""

    def work(url: str) -> Link | Exception:
        with maker.present():
            try:
                return maker.get(url)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is looked at)
                return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, urls))


def test_many_offers_take_few_calls() -> None:
    programme = Programme()
    urls = [str(n) for n in range(500)]
    found = get_all(LinkMaker(programme, linger_s=0.05), urls, threads=23)
    assert found == [link(url) for url in urls]
    assert len(programme.calls) <= 500 / 20 + 2
    assert all(len(call) <= 20 for call in programme.calls)
    assert sorted(url for call in programme.calls for url in call) == sorted(urls), "each asked for once"


def test_a_call_s_failure_and_a_refusal_reach_those_they_concern() -> None:
    programme = Programme(refused=["3"])
    found = get_all(LinkMaker(programme, linger_s=0.01), [str(n) for n in range(6)], threads=6)
    assert [isinstance(one, LinkRefused) for one in found] == [n == 3 for n in range(6)]
    broken = Programme(failure=SessionExpired("over"))
    found = get_all(LinkMaker(broken, linger_s=0.01), ["1", "2", "3"], threads=3)
    assert all(isinstance(one, SessionExpired) for one in found)


def test_nobody_waits_for_ever_when_the_call_breaks_unexpectedly() -> None:
    found = get_all(LinkMaker(Programme(failure=ZeroDivisionError()), linger_s=0.01), ["1", "2", "3"], threads=3)
    assert sorted(type(one).__name__ for one in found) == ["Bug", "Bug", "ZeroDivisionError"]


def test_an_address_that_the_answer_leaves_out_is_told() -> None:
    maker = LinkMaker(lambda _urls: {}, linger_s=0.01)
    with pytest.raises(Bug):
        maker.get("1")


def test_two_offers_of_one_address_are_asked_once() -> None:
    programme = Programme()
    assert get_all(LinkMaker(programme, linger_s=0.05), ["1", "1"], threads=2) == [link("1")] * 2
    assert programme.calls == [["1"]]


def test_while_others_read_pages_a_batch_waits_for_them_but_not_too_long() -> None:
    programme = Programme()
    maker = LinkMaker(programme, linger_s=0.01, longest_wait_s=0.3)
    reading, done = threading.Event(), threading.Event()

    def read_a_page() -> None:
        with maker.present():
            reading.set()
            done.wait(5)

    thread = threading.Thread(target=read_a_page)
    thread.start()
    reading.wait(5)
    with maker.present():
        started = threading.Event()
        getter = in_thread(lambda: maker.get("1"), started)
        started.wait(5)
        getter.join(0.1)
        assert programme.calls == [], "the page that is being read may want a link too"
        getter.join(5)
        assert programme.calls == [["1"]], "but it is not waited for longer than that"
    done.set()
    thread.join()


def test_when_the_last_other_one_leaves_the_batch_goes() -> None:
    programme = Programme()
    maker = LinkMaker(programme, linger_s=0.01, longest_wait_s=30)
    arrived, leave = threading.Event(), threading.Event()

    def pass_by() -> None:
        with maker.present():
            arrived.set()
            leave.wait(5)

    other = in_thread(pass_by, threading.Event())
    arrived.wait(5)
    getter = in_thread(lambda: get_all(maker, ["1"], threads=1), threading.Event())
    leave.set()
    other.join(5)
    getter.join(5)
    assert programme.calls == [["1"]]


def in_thread(work: Callable[[], object], started: threading.Event) -> threading.Thread:
    def run() -> None:
        started.set()
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_an_outcome_may_be_any_error_of_ours() -> None:
    maker = LinkMaker(lambda urls: dict.fromkeys(urls, OffersError("no")), linger_s=0.01)
    with pytest.raises(OffersError, match="no"):
        maker.get("1")
