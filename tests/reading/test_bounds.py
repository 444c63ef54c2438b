"""A page that would keep its reader busy, or take its memory, is told from a large one before any tree is built."""

from __future__ import annotations

import subprocess
import sys

import pytest
from reading.captures import RealPages, real_names
from selectolax.lexbor import LexborHTMLParser

from offers_cli.errors import TooLarge
from offers_cli.marketplaces.bounds import refuse_unbounded, weigh
from offers_cli.marketplaces.mercado_livre import MercadoLivre
from offers_cli.marketplaces.schema_org import SchemaOrg

MARKETS = MercadoLivre(), SchemaOrg()
BODY = "<html><body>"
FONTS = "".join(f"<font size={size}>" for size in range(1000))
ELEMENT = '<p a="1" b="2">x'
TAGS = BODY + "<p>" * 200_000
STATE = '<script>_n.ctx.r={"a":[' + "{}," * 400_000 + "{}]};</script>"
HUGE = [
    ("tags", TAGS),
    ("tags", BODY + "<br/>" * 200_000),
    ("tags", BODY + "</p>" * 200_000),
    ("tags", BODY + "<!>" * 200_000),
    ("tags", BODY + "<" * 200_000),
    ("elements", BODY + "<b></b>" * 49_000),
    ("attributes", BODY + "<p a b c d>" * 99_000),
    ("attributes in one tag", BODY + "<p " + "".join(f"a{n}=1 " for n in range(20_000)) + ">"),
    ("attributes in one tag", BODY + "<p" + "".join(f' a{n}="1"' for n in range(20_000)) + ">"),
    ("attributes in one tag", BODY + "<p " + "a " * 500_000 + ">"),
    ("attributes in one tag", f"{BODY}<p{'/' * 4000}>"),
    ("bytes in one tag", f'{BODY}<p class="{"a " * 500_000}">'),
    ("elements within each other", BODY + "<div>" * 20_000),
    ("elements within each other", BODY + '<div title="</div>">' * 20_000),
    ("bytes between its tags", BODY + "texto " * 300_000),
    ("brackets and commas", STATE),
    ("bytes", BODY + "<script>" + " " * 11_000_000),
    ("characters of linked data", BODY + '<script type="application/ld+json">' + "{}" * 200_000 + "</script>"),
    ("MB of memory", f"{BODY}{ELEMENT * 95_000}<script>'\U0001f600{'x' * 6_000_000}'</script>"),
]


@pytest.mark.parametrize(("what", "page"), HUGE, ids=range(len(HUGE)))
@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_what_there_is_too_much_of_is_named(what: str, page: str, market: MercadoLivre | SchemaOrg) -> None:
    with pytest.raises(TooLarge, match=rf"[0-9] {what}"):
        market.read_product(page, "https://www.mercadolivre.com.br/p/MLB1")


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_a_saved_page_that_is_too_large_tells_no_address(market: MercadoLivre | SchemaOrg) -> None:
    assert market.page_url('<link rel=canonical href="https://x.example/">' + TAGS) is None
    assert market.page_url('{"actualLocation":"https://x.example/","a":[' + "{}," * 400_000 + "{}]}") is None


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{FONTS}" + "<p>x" * 1000,
        f"<p>{FONTS}" + '<p title="</font>">x' * 1000,
        f"<p>{FONTS}<!-- {'</font>' * 1000} -->" + "<p>x" * 1000,
        f"<p>{FONTS}<? {'</font' * 1000} ?>" + "<p>x" * 1000,
        f"<p>{FONTS}<script>{'</font>' * 1000}</script>" + "<p>x" * 1000,
        f"<p>{FONTS}<script><!--<script></script>{'</font>' * 1000}--></script>" + "<p>x" * 1000,
        f"<script><!--</script><p>{FONTS}{'<p>x' * 1000}--></script>",
        f"<!--><p>{FONTS}{'<p>x' * 1000}-->",
        f"<!-- - -> --- --!x ---><p>{FONTS}{'<p>x' * 1000}-->",
        f"<!-----!><p>{FONTS}{'<p>x' * 1000}-->",
        f"<p>{FONTS}<!-- -- > ---{'</font>' * 1000} -->" + "<p>x" * 1000,
        f"<script><!-- - -- ---></script><p>{FONTS}{'<p>x' * 1000}-->",
        f"<a b='\"'><p>{FONTS}" + "<p>x" * 1000 + "<a b='\"'>",
        f"<title>{'</font>' * 1000}</title><p>{FONTS}" + "<p>x" * 1000,
        f"<TEXTAREA>x</TextArea><P>{FONTS.upper()}" + "<p>x" * 1000,
    ],
)
def test_what_every_paragraph_takes_up_again_is_counted(page: str) -> None:
    """18 kB of bold text become a million elements; an end tag within a value, a comment or a script ends nothing."""
    with pytest.raises(TooLarge, match="elements"):
        refuse_unbounded(page.encode(), is_json=False)


@pytest.mark.parametrize("link", ['<a href="/x">', "<a>", "<A HREF=/x>"])
def test_a_link_that_each_tag_takes_up_again_is_counted(link: str) -> None:
    html = f"<p>{link}" + '<p class="x">x' * 1000
    nodes = weigh(html.encode()).nodes
    assert nodes is not None
    assert len(LexborHTMLParser(html).css("body *")) <= nodes <= 3 * html.count("<")


@pytest.mark.parametrize("name", [name for name in real_names("product", "listing", "wall") if name.endswith("html")])
def test_no_real_page_becomes_more_elements_than_were_counted(name: str, real_pages: RealPages) -> None:
    nodes = weigh(real_pages.html(name).encode()).nodes
    assert nodes is not None
    assert len(LexborHTMLParser(real_pages.html(name)).css("body *")) <= nodes


@pytest.mark.parametrize(
    "page",
    [
        "<svg><style></svg><b>",
        "<svg><![CDATA[ > </font> ]]>",
        "<svg><foreignObject><div></svg></div></foreignObject><style><b></style>",
        "<select><title><b></title>",
        "<math><mi><p></math></p></mi><xmp><b></xmp>",
    ],
)
def test_a_page_whose_tags_cannot_be_told_from_text_is_refused(page: str) -> None:
    assert weigh(page.encode()).nodes is None
    with pytest.raises(TooLarge, match="hides its tags"):
        refuse_unbounded(page.encode(), is_json=False)


@pytest.mark.parametrize(
    "page",
    [
        "<svg><title>Carrinho</title><path d='M0'/></svg><script>if (a<b) '<b>'</script>",
        "<svg viewBox='0'/><style>a<b</style>",
        "<svg><foreignObject><div><br>x</div></foreignObject></svg><script>'<b>'</script>",
        "<select><option>1<option>2</select><script>'<b>'</script>",
    ],
)
def test_drawings_and_choices_as_pages_have_them_are_read(page: str) -> None:
    assert weigh(page.encode()).nodes is not None


WITHIN_ALL_LIMITS = """
import re
from pathlib import Path
from offers_cli.errors import PageChanged
from offers_cli.fetch.response import decode
from offers_cli.marketplaces.mercado_livre import MercadoLivre

def read(body):
    try:
        MercadoLivre().read_product(decode(body, None)[0], "https://www.mercadolivre.com.br/p/MLB1")
    except PageChanged:
        return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

element, state, text = b'<p a="1" b="2">x', b'{"a":{}},', b"a b "
small = read(b"<html><body>" + element)
tree = b"<html><body>" + element * 95_000 + text * 50_000
script = b'<script>_n.ctx.r={"a":[' + state * 50_000 + b'1],"b":"' + b"x" * 3_000_000 + b'"};</script>'
print(read(tree + script) - small)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak in /proc")
def test_a_page_just_within_its_limits_takes_less_than_150_mb() -> None:
    run = subprocess.run([sys.executable, "-c", WITHIN_ALL_LIMITS], capture_output=True, text=True, check=True)
    assert 50 < int(run.stdout) < 150


ROW = '<tr><td><p>x<br><img src="a"><div class="card"><a href="/x"><span>1</span></a></div>'


@pytest.mark.parametrize(
    "page",
    [
        ROW * 7500,
        "<p>x" * 99_000,
        "<li>x<li>y" * 49_000,
        "<script>if (a<b) {}</script>" * 33_000,
        "<p><b>x</b> <i>y</i></p>" * 12_000,
        "<p>" + FONTS[:4000] + "</font>" * 300 + "<p>x" * 1000,
    ],
)
def test_a_large_page_is_read(page: str) -> None:
    refuse_unbounded(page.encode(), is_json=False)


@pytest.mark.parametrize("name", real_names("product", "listing", "wall"))
def test_four_times_a_real_page_is_read(name: str, real_pages: RealPages) -> None:
    refuse_unbounded(real_pages.html(name).encode() * 4, is_json=False)
