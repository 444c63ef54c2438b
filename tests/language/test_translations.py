"""A finished text is found again in the catalogue by the template it was made of, and translated as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers_cli.cli.formatting import format_facts
from offers_cli.cli.render import Block, Line, Output, Table
from offers_cli.language import language_of_locale, speak, speak_as, spoken, translate
from offers_cli.language.translations import FOLDER, Template, Translations, portuguese
from offers_cli.offer import Facts

TEMPLATES = [text for text in json.loads((FOLDER / "templates.json").read_text("utf-8")) if "{" in text]


def fill(template: str, values: Mapping[str, str]) -> str:
    return "".join(literal + (values[name] if name else "") for literal, name, _, _ in Formatter().parse(template))


def strange_values(template: str) -> dict[str, str]:
    """A value for each field that no text of ours holds."""
    values = {}
    for number, (_, name, spec, conversion) in enumerate(Formatter().parse(template)):
        if name is not None:
            is_figure = (spec or "")[-1:] in {",", "f", "g", "%"} - {""}
            values[name] = "7" if is_figure else f"'Xq{number}'" if conversion == "r" else f"/Xq{number}"
    return values


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_is_found_again_by_what_was_made_of_it(template: str) -> None:
    values = strange_values(template)
    translated = portuguese().translate(fill(template, values))
    assert translated == fill(portuguese().exact(template) or template, values)


@given(st.sampled_from(TEMPLATES), st.data())
def test_whatever_stands_in_a_text_nothing_is_lost_of_it_and_nothing_fails(template: str, data: st.DataObject) -> None:
    values = {name: data.draw(st.text(max_size=40)) for name in strange_values(template)}
    assert isinstance(portuguese().translate(fill(template, values)), str)


@given(st.text(max_size=300))
def test_any_text_can_be_translated(text: str) -> None:
    assert portuguese().translate(text) is not None


@pytest.mark.parametrize(
    ("english", "brazilian"),
    [
        ("1,234 of 5,678 on sale need nothing (21%)", "1.234"),
        ("2026-11-26 14:05", "26/11/2026 14:05"),
        ("2026-11-26", "26/11/2026"),
        ("R$ 3.185,31 by Pix", "R$ 3.185,31 no Pix"),
        ("10x R$ 35,79 interest-free, free shipping, rating 4.8", "10x R$ 35,79 sem juros, frete grátis, nota 4,8"),
        ("not free shipping", "frete grátis"),
        ("queued 1,234  running 0", "na fila 1.234"),
        ("error:", "erro:"),
    ],
)
def test_figures_moments_and_amounts_are_written_as_in_brazil(english: str, brazilian: str) -> None:
    assert brazilian in portuguese().translate(english)


def test_a_text_within_a_text_is_translated_too() -> None:
    inner = "permission denied"
    text = portuguese().translate(f"/home/ana/.env is not obeyed: {inner}")
    assert "/home/ana/.env" in text
    assert inner not in text
    assert portuguese().translate(inner) in text


@pytest.mark.parametrize("text", ["", "R$ 10,00", "Fone De Ouvido Bluetooth", "MLB7000000159", "https://meli.la/2x"])
def test_what_is_no_text_of_ours_stays_as_it_is(text: str) -> None:
    assert portuguese().translate(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "a: ",
        "ab, cd: ",
        "ab · cd, ef: gh; ",
        " by Pix",
        " is not ",
        "x of y, z (w): ",
        "'ab' ",
        "ab\n",
        "{x}",
        "12 ab ",
    ],
)
def test_no_text_takes_many_looks(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message may quote a page, even one that was made to be taken apart in many ways."""
    looks = []
    find = Translations._find

    def counted(self: Translations, text: str, depth: int) -> str | None:
        looks.append(text)
        return find(self, text, depth)

    monkeypatch.setattr(Translations, "_find", counted)
    portuguese().translate((part * 2000)[:2000])
    assert len(looks) < 2000


def test_a_template_takes_a_figure_only_where_one_stands() -> None:
    template = Template("{count:,} offers of {shop!r}")
    assert template.take_apart("1,234 offers of 'Loja'") == {"count": "1.234", "shop": "'Loja'"}
    assert template.take_apart("many offers of 'Loja'") is None
    assert template.take_apart("1,234 offers of Loja") is None
    assert template.take_apart("1,234 offers") is None


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "pt_PT"}, "pt-BR"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_tells_the_language(environ: Mapping[str, str], language: str) -> None:
    assert language_of_locale(environ) == language


def test_the_language_is_asked_for_once_and_only_when_something_is_shown(in_portuguese: None) -> None:
    asked = []

    def find() -> str:
        asked.append(1)
        return "pt-BR"

    speak_as(find)  # type: ignore[arg-type]
    assert asked == []
    assert translate("error:") == "erro:"
    assert translate("yes") == "sim"
    assert spoken() == "pt-BR"
    assert asked == [1]


def test_english_needs_no_catalogue() -> None:
    speak("en")
    assert translate("error:") == "error:"


@pytest.mark.parametrize("title", ["Deals", "new", "Kit: price, full", "10 h ago", "not found"])
def test_what_a_shop_wrote_is_never_translated(
    title: str, in_portuguese: None, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = Facts(seller=title, coupon_label=title, brand=title)
    blocks: list[Block] = [
        Table("Offers", ("title", "price", "facts"), [(title, "any", format_facts(facts, "BRL"))]),
        Line(title, verbatim=True),
    ]
    Output().show_blocks(blocks)
    head, row, line = capsys.readouterr().out.splitlines()
    assert head == "título\tpreço\tdetalhes"
    assert row.startswith(f"{title}\tqualquer\t")
    assert f"vendedor {title}, marca {title}" in row
    assert line == title
