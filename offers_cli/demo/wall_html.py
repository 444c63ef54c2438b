"""Pages that are not what was asked for: walls, the site's error page, the page of what is gone."""

from __future__ import annotations

from html import escape

from offers_cli.demo.catalogue import CatalogueOffer


def account_verification_html(base_url: str, wanted_url: str) -> str:
    """The wall that asks a visitor to log in."""
    login = f"{base_url}/jms/mlb/lgz/login?loginType=negative_traffic&go={escape(wanted_url)}"
    return (
        '<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>Mercado Livre</title>'
        '<noscript><meta http-equiv="refresh" content="0; url=/gz/webdevice/config"></noscript></head>'
        '<body data-app="suspicious-traffic-frontend"><div class="account-verification-main">'
        "<h1>Olá! Para continuar, acesse sua conta</h1>"
        f'<a class="andes-button" href="{login}&type=register">Sou novo</a>'
        f'<a class="andes-button" href="{login}&type=login">Já tenho conta</a></div>'
        '<script>melidata("add","path","/security/suspicious_traffic/account_verification")</script></body></html>'
    )


def micro_landing_html(offer: CatalogueOffer | None, base_url: str) -> str:
    """The wall that asks for JavaScript: it names the product, and tells nothing else of it."""
    title, link = (escape(offer.title), base_url + offer.path) if offer else ("Mercado Livre", base_url)
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta property="og:title" content="{title}"><link rel="canonical" href="{link}"></head>'
        '<body><div class="micro-landing-container"><noscript>This page requires JavaScript to work</noscript></div>'
        "<script>function verifyChallenge(t){document.cookie='_bmc='+t;document.cookie='_bm_skipml=true;max-age=300'}"
        "</script></body></html>"
    )


def error_html() -> str:
    """The site's own error page: no title, no product."""
    return (
        '<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"></head><body><main>'
        '<h2 class="andes-technical-error__title">Ocorreu um erro</h2>'
        '<span class="andes-technical-error__description">Estamos trabalhando para resolvê-lo.</span>'
        "</main></body></html>"
    )


def not_found_html() -> str:
    return (
        '<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>Mercado Livre</title></head><body>'
        '<div class="ui-empty-state"><h4 class="ui-empty-state__title">Parece que esta página não existe</h4>'
        "</div></body></html>"
    )
