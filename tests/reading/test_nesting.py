"""A page that would keep the parser busy is told from a large one without parsing it."""

from __future__ import annotations

import pytest
from reading.captures import RealPages, real_names

from offers_cli.marketplaces.nesting import is_too_deep

ROW = '<tr><td><p>x<br><img src="a"><div class="card"><a href="/x"><span>1</span></a></div>'


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 100_000,
        "<div></p>" * 50_000,
        "<b></q>" * 50_000,
        "<div><!-- </div> -->" * 50_000,
        "<div><script>'</div>'</script>" * 50_000,
        "<svg><title>" + "<div>" * 50_000,
    ],
)
def test_a_pile_of_open_elements_is_too_deep(text: str) -> None:
    assert is_too_deep(text)


@pytest.mark.parametrize(
    "text", [ROW * 20_000, "<p>x" * 300_000, "<li>x<li>y" * 100_000, "<script>if (a<b) {}</script>" * 20_000]
)
def test_a_large_page_is_not(text: str) -> None:
    assert not is_too_deep(text)


@pytest.mark.parametrize("name", real_names("product", "listing", "wall"))
def test_ten_times_a_real_page_is_not(name: str, real_pages: RealPages) -> None:
    assert not is_too_deep(real_pages.html(name) * 10)
