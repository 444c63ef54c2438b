"""Every class name and mark of Mercado Livre's markup, each written once.

A class that the site renames is mended here, for cards and product pages alike. The older names stay: kept pages are
read again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OWN_MARKS = re.compile(
    r"mercadoli[bv]re|mlstatic|andes-money|ui-pdp-|ui-search|poly-?card|promotion-item|_n\.ctx\.r|__PRELOADED_STATE__",
    re.IGNORECASE,
)
"""What a page holds that is the site's, whatever its address."""

# Amounts of money, wherever they stand.
AMOUNT_CLASSES = {"andes-money-amount", "price-tag", "ui-pdp-price__part"}
AMOUNT = ", ".join(f".{name}" for name in sorted(AMOUNT_CLASSES))
FRACTION = ".andes-money-amount__fraction, [data-andes-money-amount-fraction], .price-tag-fraction"
CENTS = ".andes-money-amount__cents, [data-andes-money-amount-cents], .price-tag-cents"
SAID_ALOUD = ".price-tag-text-sr-only, .andes-visually-hidden"
"""Texts for screen readers alone; the newer markup has them in an ``aria-label``."""
CENTS_AFTER_A_POINT, CENTS_AFTER_A_COMMA = "cents-dot", "cents-comma"

# What stands in a price box beside the price.
OLD_PRICE = (
    "s, del, .andes-money-amount--previous, .ui-pdp-price__original-value, .ui-search-price__original-value, "
    '.polylabel-price, .promotion-item__oldprice, [aria-label^="Antes"]'
)
DISCOUNT = (
    ".andes-money-amount__discount, [data-andes-money-amount-discount], .ui-pdp-price__discount, "
    ".ui-search-price__discount, .poly-price__disc_label, .poly-price__discount-polylabel, .polylabel-pill, "
    ".promotion-item__discount"
)
INSTALMENTS = re.compile("installment")
NOT_THE_PRICE = re.compile(r"installment|subtitle|price_tags|price-tags|rebate|coupon|payments-link|meliplus")
"""Classes of what stands in a product page's price box without being its price."""

# Product pages.
OWN_BOX = ".ui-pdp-price--size-large"
BOX_CLASS, LINE_CLASS = "ui-pdp-price", "ui-pdp-price__second-line"
LOOSE_OLD_PRICE = ".ui-pdp-price__original-value"
PRICE_META = 'meta[itemprop="price"]'
ANCHOR = f'{PRICE_META}, [itemprop="offers"]'
"""What marks the price for machines."""
HEADING = "h1.ui-pdp-title"
PRODUCT_MARKS = f"{HEADING}, {OWN_BOX}, .ui-pdp-container, {ANCHOR}"
ITEM_FIELDS = "input[name=item_id], input[name=itemId]"
PAYMENTS_LINK = 'a[href*="/noindex/services/"]'
OTHER_OFFERS = re.compile(
    r"poly-card|other-sellers|recommend|carousel|bbw|alternative|buy-box-offers|ui-search-|ui-item|billboard|advertis"
)
"""Classes of what shows other offers than the page's own."""
SUBTITLE, SUBTITLES = "#pricing_price_subtitle", ".ui-pdp-price__subtitles p"
"""How a card pays, below the price."""
PAGE_SUBTITLE = ".ui-pdp-subtitle, .ui-pdp-header__subtitle"
PAGE_STARS, PAGE_REVIEWS = ".ui-pdp-review__rating", ".ui-pdp-review__amount"
PAGE_SHIPPING = ".ui-pdp-shipping .ui-pdp-media__title, #shipping_summary .ui-pdp-media__title"
PAGE_FULL = ".ui-pdp-promotions-pill-label .ui-pdp-icon--full"
FULL_ICON = ".ui-pdp-icon--full"
PAGE_SELLER = ".ui-pdp-seller__header__title"
PAGE_PILL = ".ui-pdp-promotions-pill-label"
NO_BADGE = re.compile(r"best_seller_position")
PAGE_COUPON = "#coupon-awareness-row-label, .ui-vpp-coupons-awareness__checkbox-label"
PAGE_CRUMB = ".andes-breadcrumb__item"
MESSAGES = (
    '.ui-pdp-message, .andes-message, [class*="item-status"], [class*="no-stock"], .ui-pdp-warning-message, '
    "h1, h2, [role=alert], [role=status]"
)
NOT_THE_PAGES_WORD = re.compile(r"review|opinion|comment|question|qadb|variation|picker|description")
"""Classes of what visitors or the seller write, and of the choice between variants."""

# Listings.
MAIN_CARDS = re.compile(
    r"ui-search-(?:results|layout)|items-list|items-with-smart-groups|recommendations-polycards|promotion-item"
)
HUB_CARDS = re.compile(r"recommendations-polycards")
SECOND_OFFER = re.compile(r"buy-box|alternative-option")
"""Classes of a card's "outra opção de compra"."""
BESIDE_THE_PRICE = re.compile(
    r"installment|subtitle|phrase-price|poly-price__labels|price_tags|price-tags|rebate|coupon|promotions"
    r"|payments-link|meliplus|buy-box|alternative|unit-price"
)
"""Classes of what stands in a card's price box without being its price."""
CARD_INSTALMENTS = '[class*="installments"]'
CARD_CONDITIONS = ".poly-price__unit-description"
"""What is said of a card's price beside its discount ("no Pix", "com Cupom")."""
SHIPPING = ".poly-component__shipping, .poly-component__shipping-v2"
SHIPPING_ITEM, SHIPPING_NOTE = ".poly-shipping-v2__item", ".poly-shipping__additional_text"
SHIPPED_FROM = ".poly-component__shipped-from"
STARS, REVIEWS = ".poly-reviews__rating", ".poly-reviews__total"
REVIEW_LINE = ".poly-component__review-compacted, .poly-component__reviews, .poly-component__sold"
SELLER = ".poly-component__seller, .ui-search-official-store-label"
BRAND = ".poly-component__brand"
BADGE = ".poly-highlight-countdown__text, .poly-component__highlight"
COUPON = ".poly-coupons__pill, .poly-component__promotions"
LOOSE_LABELS = ".poly-price__labels"
CARD_ID_FIELDS = f"input[name=id], {ITEM_FIELDS}"
COMMISSION = ".poly-component__chip"
NOTHING_FOUND = "h1, h2, h3, .ui-search-rescue"
SHORT_TEXTS = "h1, h2, h3, h4, p, span"
NEXT_PAGE = (
    "li.andes-pagination__button--next a",
    "a[data-andes-pagination-control=next]",
    "a[rel=next]",
    "link[rel=next]",
)
DISABLED_CLASS, DISABLED_STATE = "--disabled", "data-andes-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the cards of one layout keep what they say."""

    card: str
    title: str
    link: str
    box: str
    current: str
    amount: str = ".andes-money-amount, .price-tag-amount"


LAYOUTS = (
    Layout(
        card=".poly-card",
        title=".poly-component__title, .poly-component__title-wrapper",
        link="a.poly-component__title, .poly-component__title-wrapper a, .poly-component__title a, a[href]",
        box=".poly-component__price",
        current=".poly-price__current",
        amount=".andes-money-amount, .poly-price__amount, .poly-price__part-price",
    ),
    Layout(
        card=".ui-search-result, .ui-search-layout__item",
        title=".ui-search-item__title",
        link="a.ui-search-link, a.ui-search-item__group__element, a",
        box=".ui-search-price",
        current=".ui-search-price__second-line",
    ),
    Layout(
        card=".promotion-item",
        title=".promotion-item__title",
        link="a.promotion-item__link-container, a",
        box=".promotion-item__price-block, .promotion-item__description, .promotion-item__container",
        current=".promotion-item__price",
        amount=".andes-money-amount, .promotion-item__price",
    ),
)
"""Of the poly cards (2024 and later), the searches before, and the offers of 2019."""

# Walls and error pages.
LOGIN = "#login_user_form, form[action*='/lgz/'], form[action*='/jms/'][method=post i]"
WALLS = {
    ".account-verification-main, [class^=account-verification], a[href*='loginType=negative_traffic'], "
    "a[href*='registrationType=negative_traffic']": "an account verification",
    ".micro-landing-container, [class^=micro-landing]": "a JavaScript challenge",
}
WALL_SCRIPTS = (b"_bm_skipml", b"verifyChallenge", b"suspicious-traffic-frontend", b"/security/suspicious_traffic")
WALL_DOORS = "a[href*='/gz/account-verification'], form[action*='/gz/account-verification'], form[action*='/captcha/']"
"""What leads through a wall; on a page that shows neither products nor cards, nothing else is to be seen."""
ERROR_PAGE = ".andes-technical-error, .andes-technical-error__title, .shops-error-page, .ui-error-page"
