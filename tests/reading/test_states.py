"""The data that a page embeds is decoded once, however often it is announced, and odd addresses in it fail nothing."""

from __future__ import annotations

import pytest

from offers_cli.marketplaces.html import Document, explain_command, join, split, without_tracking
from offers_cli.marketplaces.mercado_livre.state import find_states

HALF_A_PAIR = "https://shop.example/a\ud800?b=c"
"""As JSON can write it."""


def states_of(page: str) -> list[dict[str, object]]:
    return list(find_states(Document(page)))


def test_a_state_within_a_state_is_none() -> None:
    """Else a page could have the same megabytes decoded twenty times over, and kept."""
    page = '<script>_n.ctx.r={"a":"_n.ctx.r={","b":[1]};_n.ctx.r={"c":2}</script>'
    assert states_of(page) == [{"a": "_n.ctx.r={", "b": [1]}, {"c": 2}]


def test_a_broken_state_hides_no_whole_one_behind_it() -> None:
    assert states_of('<script>_n.ctx.r={a:1};_n.ctx.r={"b":[1,;_n.ctx.r={"c":2}</script>') == [{"c": 2}]


@pytest.mark.parametrize(
    "page",
    [
        '<script>_n.ctx.r = {"c":2};_n.ctx.r.assets={}</script>',
        '<script>window.__PRELOADED_STATE__ = {"c":2};</script>',
        """<script>window['__PRELOADED_STATE__'] = {"c":2};</script>""",
        '<script id="__PRELOADED_STATE__" type="application/json">\n{"c":2}</script>',
        '<script type="application/json" id="__PRELOADED_STATE__">{"c":2}',
        '\ufeff {"c":2}',
    ],
)
def test_a_state_is_found_in_each_layout(page: str) -> None:
    assert states_of(page) == [{"c": 2}]


@pytest.mark.parametrize(
    "page",
    [
        '<p>_n.ctx.r={"c":2}</p>',
        '<!-- <script>_n.ctx.r={"c":2}</script> -->',
        """<p data-code='window.__PRELOADED_STATE__ = {"c":2}'>x</p>""",
        "<script>if (__PRELOADED_STATE__) {}</script>",
        '[{"c":2}]',
    ],
)
def test_what_merely_looks_like_a_state_is_none(page: str) -> None:
    """Text, comments and attributes, which a visitor or a seller may have written, are no data of the page's own."""
    assert states_of(page) == []


@pytest.mark.parametrize("odd", [HALF_A_PAIR, "http://[::1", "https://shop.example:x/"])
def test_an_address_that_is_none_is_empty_and_no_error(odd: str) -> None:
    assert split(odd).netloc == ""
    assert without_tracking(odd) == ""
    assert explain_command(odd).isprintable()


def test_half_a_surrogate_pair_joins_to_nothing() -> None:
    assert join("https://shop.example/", HALF_A_PAIR) == ""
