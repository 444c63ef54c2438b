"""Scripts of a page: embedded data as the site serialises it, and the bundles that make real pages heavy."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from offers_cli.demo.amounts import Era, amount
from offers_cli.demo.dice import dice

_UNSAFE = str.maketrans({"/": "\\u002F", "<": "\\u003C", ">": "\\u003E"})
_WORDS = (
    "render",
    "module",
    "exports",
    "props",
    "children",
    "onClick",
    "__PRELOADED_STATE__",
    "price",
    "useMemo",
    "key",
)


def script_json(data: Any) -> str:
    """JSON as it stands inside a script element: slashes and angle brackets only as escapes."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)


def json_ld(data: Any) -> str:
    return f'<script type="application/ld+json">{script_json(data)}</script>'


def preloaded_state(state: dict[str, Any]) -> str:
    """The state in the middle of an anonymous inline script, as in 2024 and 2025."""
    return (
        "<script>(function(){var w=window;w.cancelIdleCallback=w.cancelIdleCallback||function(id){clearTimeout(id)};"
        f"\n          window.__PRELOADED_STATE__ =\n            {script_json(state)};\n        "
        '},props:{"on":"now"}}]);</script>'
    )


def nordic_context(context: dict[str, Any]) -> str:
    """The rendering context of 2026; more JavaScript follows the JSON in the same script."""
    return (
        f'<script id="__NORDIC_RENDERING_CTX__" nonce="">_n.ctx.r={script_json(context)};'
        '_n.ctx.r.assets.manifest=new Map([["desktopView.js","desktopView.0a1b2c3d.js"]]);</script>'
    )


def nordic_flags(*, bot: bool) -> dict[str, Any]:
    return {"isBot": bot, "loadable": True, "islands": False, "staticMarkup": bot}


def filler(size_bytes: int) -> str:
    """Weight as real pages carry it: four parts inline bundles, one part a carousel of decoys with struck prices."""
    rng = dice("filler")
    decoys = ""
    while len(decoys) < size_bytes // 5:
        decoys += _decoy(rng)
    bundle = ""
    while len(decoys) + len(bundle) < size_bytes:
        bundle += _statement(rng)
    return f'<div class="ui-recommendations-footer">{decoys}</div><script>{bundle}</script>' if size_bytes else ""


def _decoy(rng: Random) -> str:
    now, era = rng.randrange(1_000, 900_000), Era.Y2026
    before = amount(now * 2, era, classes="andes-money-amount--previous", label="Antes:", tag="s", small=True)
    return (
        '<div class="poly-card poly-card--grid-card"><a class="poly-component__title" href="#">Visto recentemente</a>'
        f'<div class="poly-component__price">{before}<div class="poly-price__current">'
        f"{amount(now, era, label='Agora:')}</div></div></div>"
    )


def _statement(rng: Random) -> str:
    name, other = rng.choice(_WORDS), rng.choice(_WORDS)
    return f'function {name}{rng.randrange(9999)}(t,e){{return t.{other}&&e("{rng.getrandbits(48):x}")}}\n'
