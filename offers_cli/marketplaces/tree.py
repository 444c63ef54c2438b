"""A page's elements, with how much work they may still cost.

A page can be small and yet dear: each of thousands of boxes is looked at with all that stands around it and within it.
So what is done with a tree is counted, in steps of about a quarter of a microsecond, and a page that needs far more of
them than any real one is refused. Steps, not seconds: a page that is read here is read on every machine.
"""

from __future__ import annotations

from collections import defaultdict

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from offers_cli.errors import TooLarge

MOST_STEPS = 560_000
"""The dearest of the pages measured took 128,000."""
HINT = "no shop's page is like that; open it in a browser"

_SEARCH_STEPS = 20
"""What a search takes, however little there is to look through."""
_NODES_A_STEP, _CHARACTERS_A_STEP = 16, 4096
"""How many elements, and how many characters of classes, are compared with a selector in the time of one step."""
_WEIGHING = 16
"""How much dearer it is to find out how much is within an element than to look through it."""
_FREE_STEPS = 300_000
"""As long as searches through the whole page would not have taken more, what each is in need not be weighed."""


class Tree(LexborHTMLParser):
    """The elements of one page.

    Args:
        nodes: how many there are to look through, or more.

    Attributes:
        steps: how many were taken.
        verdicts: by question what was found out of elements, by their ids in memory, so that each is asked once.
    """

    def __init__(self, html: bytes, *, nodes: int) -> None:
        # Without events there is no mirror of the chosen option, with which a page could multiply itself.
        super().__init__(html, options=LexborDocumentOptions.WO_EVENTS)
        self.steps = 0
        self.verdicts: defaultdict[str, dict[int, bool]] = defaultdict(dict)
        self._all = _SEARCH_STEPS + _steps_through(nodes, len(html))
        self._searches = 0
        self._within: dict[int, int] = {}

    def spend(self, steps: int) -> None:
        """Take steps; raises `TooLarge` where the page needs more of them than it is worth."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise TooLarge("the page is so entangled that reading it would take too long", hint=HINT)

    def search(self, place: LexborNode | None) -> None:
        """Take the steps of looking through all that is within an element, or through the whole page."""
        self._searches += 1
        if place is None:
            self.spend(self._all)
        elif self._searches * self._all <= _FREE_STEPS:
            self.spend(_SEARCH_STEPS)
        else:
            self.spend(self._weigh(place))

    def _weigh(self, place: LexborNode) -> int:
        """How many steps it takes to look through an element; to find that out takes some as well."""
        steps = self._within.get(place.mem_id)
        if steps is None:
            steps = self._within[place.mem_id] = _steps_through(len(place.css("*")), len(place.html or ""))
            self.spend(_WEIGHING * steps)
        return _SEARCH_STEPS + steps


def _steps_through(nodes: int, characters: int) -> int:
    return nodes // _NODES_A_STEP + characters // _CHARACTERS_A_STEP
