"""Invented Brazilian product titles, among them those that break careless programs."""

from __future__ import annotations

import re
import unicodedata
from random import Random

_PRODUCTS = (
    "Fone De Ouvido Bluetooth", "Notebook", "Smart Tv 4k", "Air Fryer", "Tênis De Corrida", "Cafeteira Expresso",
    "Furadeira De Impacto", "Mochila Impermeável", "Smartwatch", "Câmera De Segurança Wi-fi", "Jogo De Panelas",
    "Cadeira Gamer", "Liquidificador", "Geladeira Frost Free", "Monitor Gamer", "Shampoo Hidratante",
    "Ração Para Cães", "Colchão De Casal", "Bicicleta Aro 29", "Controle Sem Fio",
)  # fmt: skip
_BRANDS = ("Auriverde", "Tupã", "Lumina", "Boreal", "Kairós", "Piatã", "Montanha", "Serralta", "Nímbus", "Jacarandá")
_DETAILS = (
    "Preto", "Branco 110v/220v", "Edição Especial", "C/ Garantia 12 Meses", "Azul-marinho", "Kit Com 2 Unidades",
    "1,5 L", "Original", "Bivolt", "Lançamento", "Tamanho 42", "À Prova D'água", "8gb 512gb Ssd", "500 Ml",
)  # fmt: skip
_LONG = "Kit Completo De Ferramentas Profissionais Com Maleta Reforçada " + "E Acessórios Extras " * 20

AWKWARD = (
    "Fone [/promo] Bluetooth [bold red]Oferta[/bold red] Auriverde",
    "Monitor 27\" Curvo 'Gamer' “Pro” Boreal",
    "Caneca 🎁 Térmica ☕ Presente 500 Ml",
    "<b>Cabo</b> Usb-c & Carregador <script>alert(1)</script> Lumina",
    _LONG.strip(),
    "=HYPERLINK(\"http://exemplo.invalid\";\"Clique\") Adesivo Piatã",
    "Kit 10x R$ 25,90 Cada De R$ 1.299,90 Por R$ 9,99 Tupã",
    "Luminária \x1b[31mVermelha\x1b[0m Serralta",
    "Carregador \\u003Cturbo\\u003E 100% OFF {price_total} Nímbus",
)  # fmt: skip
"""Rich markup, quotes, emoji, HTML, 470 characters, a spreadsheet formula, prices, terminal escapes, templates."""


def invented_title(rng: Random) -> str:
    return f"{rng.choice(_PRODUCTS)} {rng.choice(_BRANDS)} {rng.choice(_DETAILS)} Modelo {rng.randrange(100, 1000)}"


def slug(text: str) -> str:
    """The text as it stands in an address: ASCII letters and digits, joined by dashes, 80 characters at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:80].strip("-") or "produto"
