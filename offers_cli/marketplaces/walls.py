"""Walls that stand before any shop: captchas and checks of the browser. Recognised and respected, never bypassed."""

from __future__ import annotations

from offers_cli.errors import PageBlocked
from offers_cli.marketplaces.html import Document, first, text_of

CHALLENGES = {
    ".g-recaptcha, .h-captcha, #captcha, #captcha-form, iframe[src*=captcha], form[action*=captcha]": "a captcha",
    "#challenge-form, #cf-wrapper, .cf-turnstile, #challenge-running": "a browser check",
    ".cf-error-details, #cf-error-details": "a refusal",
    "#px-captcha, script[src*='captcha-delivery'], #sec-if-cpt-container": "a bot check",
}
TITLES = {
    "just a moment": "a browser check",
    "um momento": "a browser check",
    "un momento": "a browser check",
    "attention required": "a browser check",
    "access denied": "a refusal",
    "acesso negado": "a refusal",
    "acceso denegado": "a refusal",
    "have been blocked": "a refusal",
    "has been denied": "a refusal",
    "pardon our interruption": "a bot check",
    "robot check": "a bot check",
    "captcha": "a captcha",
}


def find_challenge(document: Document) -> PageBlocked | None:
    """The wall that a page is which shows neither a product nor a listing; None where it is something else."""
    for selector, what in CHALLENGES.items():
        if first(document.tree, selector) is not None:
            return blocked(what)
    title = text_of(first(document.tree, "title")).casefold()
    for words, what in TITLES.items():
        if words in title:
            return blocked(what)
    return None


def blocked(what: str) -> PageBlocked:
    """The error for a wall of that kind."""
    return PageBlocked(f"the site answered with {what} instead of the page", hint="wait, then try again: offers stats")
