"""Money as the pages show it: the nodes of one amount, in the markup of 2024 and of 2026."""

from __future__ import annotations

from enum import StrEnum

from offers_cli.demo.markup import Html


class Era(StrEnum):
    """Which generation of markup: the class names stayed, the nesting and attributes did not."""

    Y2024 = "2024"
    Y2026 = "2026"


def fraction(cents: int) -> str:
    """The whole reais with dots between thousands: ``1.299``."""
    return f"{cents // 100:,}".replace(",", ".")


def reais(cents: int) -> str:
    """As a person reads it: ``R$ 1.299,90``."""
    return f"R$ {fraction(cents)},{cents % 100:02}"


def spoken(cents: int) -> str:
    """As a screen reader says it: ``1299 reais com 90 centavos``; thousands are not separated there."""
    whole, rest = divmod(cents, 100)
    text = f"{whole} {'real' if whole == 1 else 'reais'}"
    return f"{text} com {rest:02} {'centavo' if rest == 1 else 'centavos'}" if rest else text


def state_value(cents: int) -> int | float:
    """As embedded state and JSON-LD hold it: an integer when there are no cents, else a float."""
    return cents // 100 if cents % 100 == 0 else cents / 100


def meta_content(cents: int) -> str:
    """As ``meta[itemprop=price]`` holds it: ``167`` or ``104.90``."""
    return str(cents // 100) if cents % 100 == 0 else f"{cents // 100}.{cents % 100:02}"


def amount(
    cents: int,
    era: Era,
    *,
    classes: str = "",
    label: str = "",
    tag: str = "span",
    own: bool = False,
    small: bool = False,
) -> Html:
    """The node of one amount.

    Args:
        classes: further class names, such as ``andes-money-amount--previous``.
        label: what the screen reader says before it, such as ``Antes:``.
        own: the page's own price, marked as schema.org microdata.
        small: written within a sentence, with a plain comma, instead of raised cents.
    """
    style = "cents-comma" if small else "cents-superscript"
    micro = ' itemprop="offers" itemscope="" itemtype="http://schema.org/Offer"' if own else ""
    marks = ' data-andes-money-amount="true"' if era is Era.Y2026 else ""
    role = "Valor" if era is Era.Y2026 else "Preço"
    said = f"{label} {spoken(cents)}".strip()
    return Html(
        f'<{tag} class="andes-money-amount {classes} andes-money-amount--{style}"{micro} role="img" '
        f'aria-label="{said}" aria-roledescription="{role}"{marks}>'
        f"{_meta(cents) if own else ''}{_currency(era, own=own)}{_digits(cents, era, small=small)}</{tag}>"
    )


def _meta(cents: int) -> str:
    return f'<meta itemprop="price" content="{meta_content(cents)}">'


def _currency(era: Era, *, own: bool) -> str:
    micro = ' itemprop="priceCurrency"' if own else ""
    if era is Era.Y2024:
        return f'<span class="andes-money-amount__currency-symbol"{micro} aria-hidden="true">R$</span>'
    return (
        f'<span class="andes-money-amount__currency"{micro} aria-hidden="true" data-andes-money-amount-currency="true">'
        '<span class="andes-money-amount__currency-symbol">R$</span></span>'
    )


def _digits(cents: int, era: Era, *, small: bool) -> str:
    """Fraction and cents; whole amounts have no cents node at all."""
    marks = era is Era.Y2026
    fraction_mark = ' data-andes-money-amount-fraction="true"' if marks else ""
    cents_mark = ' data-andes-money-amount-cents="true"' if marks else ""
    nodes = f'<span class="andes-money-amount__fraction" aria-hidden="true"{fraction_mark}>{fraction(cents)}</span>'
    if cents % 100 == 0:
        return nodes
    comma_class = "" if small else ' class="andes-visually-hidden"'
    raised = "" if small else " andes-money-amount__cents--superscript-24"
    return (
        f'{nodes}<span{comma_class} aria-hidden="true">,</span>'
        f'<span class="andes-money-amount__cents{raised}" aria-hidden="true"{cents_mark}>{cents % 100:02}</span>'
    )
