"""Money as the pages show it: the nodes of one amount, in the markup of 2024 and of 2026."""

from __future__ import annotations

from enum import StrEnum

from offers_cli.demo.markup import NOTHING, Html, render

_OFFER_MARKS = Html(' itemprop="offers" itemscope="" itemtype="http://schema.org/Offer"')
_CURRENCY_MARK = Html(' itemprop="priceCurrency"')


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
    cents_node = NOTHING
    if cents % 100:
        cents_node = render(
            "amount.html",
            f"cents_{era}",
            comma_class=NOTHING if small else Html(' class="andes-visually-hidden"'),
            raised="" if small else " andes-money-amount__cents--superscript-24",
            cents=f"{cents % 100:02}",
        )
    return render(
        "amount.html",
        f"amount_{era}",
        tag=tag,
        classes=classes,
        style="cents-comma" if small else "cents-superscript",
        offer_marks=_OFFER_MARKS if own else NOTHING,
        said=f"{label} {spoken(cents)}".strip(),
        own_price=render("amount.html", "own_price", price=meta_content(cents)) if own else NOTHING,
        currency_mark=_CURRENCY_MARK if own else NOTHING,
        fraction=fraction(cents),
        cents=cents_node,
    )
