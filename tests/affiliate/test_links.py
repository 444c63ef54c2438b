"""Batches of links: full ones at once, partial ones after a moment, an outcome for everyone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from waiting import wait_until

from offers_cli.affiliate.link_builder import Link
from offers_cli.affiliate.links import LinkBatcher
from offers_cli.errors import Bug, LinkRefused, OffersError, SessionExpired

QUIET_S = 0.01
"""Also how long a thread really waits before it looks at the clock again."""
FAR_S = 86_400.0


class Programme:
    """Answers calls for links, and remembers them."""

    def __init__(self, refused: Sequence[str] = (), failure: Exception | None = None) -> None:
        self.calls: list[Sequence[str]] = []
        self.refused = refused
        self.failure = failure

    def __call__(self, urls: Sequence[str]) -> Mapping[str, Link | OffersError]:
        self.calls.append(urls)
        if self.failure:
            raise self.failure
        return {url: LinkRefused(url) if url in self.refused else link(url) for url in urls}


def link(url: str) -> Link:
    return Link(url=f"short:{url}", affiliation_id=None)


class Clock:
    """Stands still until so many have asked; from then on time passes at each look."""

    def __init__(self, asking: int = 0) -> None:
        self.now = 0.0
        self.looks = 0
        self.asking = asking

    def __call__(self) -> float:
        self.looks += 1
        if self.asking == 0:
            self.now += QUIET_S
        return self.now


def get_all(maker: LinkBatcher, urls: Sequence[str], clock: Clock, *, threads: int) -> list[Link | Exception]:
    """Each address asked for by one job of as many as run at once."""
    lock = threading.Lock()

    def work(url: str) -> Link | Exception:
        with maker.present():
            with lock:
                clock.asking -= 1
            try:
                return maker.get(url)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is looked at)
                return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, urls))


def link_all(programme: Programme, urls: Sequence[str], *, threads: int) -> list[Link | Exception]:
    clock = Clock(asking=len(urls))
    maker = LinkBatcher(programme, quiet_s=QUIET_S, max_wait_s=FAR_S, clock=clock)
    return get_all(maker, urls, clock, threads=threads)


def test_many_offers_take_few_calls() -> None:
    programme = Programme()
    urls = [str(n) for n in range(500)]
    assert link_all(programme, urls, threads=23) == [link(url) for url in urls]
    assert len(programme.calls) <= 500 / 20 + 1
    assert all(len(call) <= 20 for call in programme.calls)
    assert sorted(url for call in programme.calls for url in call) == sorted(urls), "each asked for once"


def test_a_call_s_failure_and_a_refusal_reach_those_they_concern() -> None:
    programme = Programme(refused=["3"])
    found = link_all(programme, [str(n) for n in range(6)], threads=6)
    assert [isinstance(one, LinkRefused) for one in found] == [n == 3 for n in range(6)]
    broken = Programme(failure=SessionExpired("over"))
    found = link_all(broken, ["1", "2", "3"], threads=3)
    assert all(isinstance(one, SessionExpired) for one in found)


def test_nobody_waits_for_ever_when_the_call_breaks_unexpectedly() -> None:
    found = link_all(Programme(failure=ZeroDivisionError()), ["1", "2", "3"], threads=3)
    assert sorted(type(one).__name__ for one in found) == ["Bug", "Bug", "ZeroDivisionError"]


def test_an_address_that_the_answer_leaves_out_is_told() -> None:
    maker = LinkBatcher(lambda _urls: {}, quiet_s=QUIET_S)
    with pytest.raises(Bug):
        maker.get("1")


def test_two_offers_of_one_address_are_asked_once() -> None:
    programme = Programme()
    assert link_all(programme, ["1", "1"], threads=2) == [link("1")] * 2
    assert programme.calls == [["1"]]


@contextmanager
def asking(maker: LinkBatcher, clock: Clock, url: str) -> Iterator[None]:
    """Somebody else asks for a link, and has found that its batch does not go yet; in the end it has the link."""
    thread = threading.Thread(target=get_all, args=(maker, [url], clock), kwargs={"threads": 1})
    before = clock.looks
    thread.start()
    wait_until(lambda: clock.looks >= before + 4, "it arrives, orders, says so, and looks whether the batch goes")
    yield
    thread.join()


def test_while_others_read_pages_a_batch_waits_for_them_but_not_too_long() -> None:
    programme, clock = Programme(), Clock(asking=9)
    maker = LinkBatcher(programme, quiet_s=QUIET_S, max_wait_s=3 * QUIET_S, clock=clock)
    with maker.present(), asking(maker, clock, "1"):
        clock.now = 2 * QUIET_S
        before = clock.looks
        wait_until(lambda: clock.looks > before + 1, "it looked again")
        assert programme.calls == [], "the page that is being read may want a link too"
        clock.now = 3 * QUIET_S
        wait_until(lambda: programme.calls, "the call was made")
    assert programme.calls == [["1"]], "but it is not waited for longer than that"


def test_when_the_last_other_one_leaves_the_batch_goes() -> None:
    programme, clock = Programme(), Clock(asking=9)
    maker = LinkBatcher(programme, quiet_s=QUIET_S, max_wait_s=FAR_S, clock=clock)
    with ExitStack() as stack:
        with maker.present():
            stack.enter_context(asking(maker, clock, "1"))
            clock.now = 2 * QUIET_S
            assert programme.calls == []
        clock.now = 3 * QUIET_S
    assert programme.calls == [["1"]]


def test_an_outcome_may_be_any_error_of_ours() -> None:
    maker = LinkBatcher(lambda urls: dict.fromkeys(urls, OffersError("no")), quiet_s=QUIET_S)
    with pytest.raises(OffersError, match="no"):
        maker.get("1")
