"""Invented Brazilian product titles, among them those that break careless programs."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import NamedTuple


class Product(NamedTuple):
    """What is sold: how such titles begin and may go on, what it costs in reais, and where it stands."""

    name: str
    least: int
    most: int
    category: str
    details: tuple[str, ...]


_COMPUTERS, _SOUND, _HOME = "Informática", "Eletrônicos, Áudio e Vídeo", "Casa, Móveis e Decoração"
_KITCHEN, _SPORTS, _TOOLS = "Eletrodomésticos", "Esportes e Fitness", "Ferramentas"
_COLOURS = ("Preto", "Branco", "Azul-marinho", "Edição Especial", "Lançamento")
_VOLTAGES = ("110v", "220v", "Bivolt", "Inox", "C/ Garantia 12 Meses")
PRODUCTS = (
    Product("Fone De Ouvido Bluetooth", 49, 899, _SOUND, (*_COLOURS, "À Prova D'água", "Original")),
    Product("Notebook", 1_899, 7_999, _COMPUTERS, ("8gb 512gb Ssd", "16gb 1tb Ssd", "Prata", "C/ Garantia 12 Meses")),
    Product("Smart Tv 4k", 1_499, 6_999, _SOUND, ('43"', '50"', '65"', "Lançamento")),
    Product("Air Fryer", 249, 899, _KITCHEN, (*_VOLTAGES, "4 L", "5,5 L")),
    Product("Tênis De Corrida", 129, 799, _SPORTS, ("Tamanho 38", "Tamanho 42", "Azul-marinho", "Original")),
    Product("Cafeteira Expresso", 299, 2_499, _KITCHEN, (*_VOLTAGES, "1,5 L")),
    Product("Furadeira De Impacto", 149, 699, _TOOLS, ("110v", "220v", "650 W", "C/ Maleta")),
    Product("Mochila Impermeável", 69, 399, _SPORTS, (*_COLOURS, "30 L")),
    Product("Smartwatch", 149, 1_999, _SOUND, (*_COLOURS, "À Prova D'água")),
    Product("Câmera De Segurança Wi-fi", 89, 599, _SOUND, ("Kit Com 2 Unidades", "À Prova D'água", "Branco")),
    Product("Jogo De Panelas", 139, 999, _HOME, ("5 Peças", "10 Peças", "Antiaderente", "Preto")),
    Product("Cadeira Gamer", 499, 1_899, _HOME, (*_COLOURS, "Reclinável")),
    Product("Liquidificador", 89, 399, _KITCHEN, (*_VOLTAGES, "1,5 L")),
    Product("Geladeira Frost Free", 2_199, 6_499, _KITCHEN, ("110v", "220v", "Inox", "375 L", "460 L")),
    Product("Monitor Gamer", 699, 2_799, _COMPUTERS, ('24" 144hz', '27" 165hz', "Curvo", "Preto")),
    Product("Shampoo Hidratante", 14, 89, "Beleza e Cuidado Pessoal", ("500 Ml", "1 L", "Kit Com 2 Unidades")),
    Product("Ração Para Cães", 59, 329, "Pet Shop", ("10,1 Kg", "15 Kg", "Filhotes", "Porte Pequeno")),
    Product("Colchão De Casal", 499, 2_999, _HOME, ("Molas Ensacadas", "D33", "138x188 Cm", "Edição Especial")),
    Product("Bicicleta Aro 29", 799, 3_999, _SPORTS, ("21 Marchas", "Quadro 17", "Freio A Disco", "Preto")),
    Product("Controle Sem Fio", 99, 499, "Games", (*_COLOURS, "Original")),
)
_BRANDS = ("Auriverde", "Tupã", "Lumina", "Boreal", "Kairós", "Piatã", "Montanha", "Serralta", "Nímbus", "Jacarandá")
_MOST_DETAILS = 14
_LONG = "Kit Completo De Ferramentas Profissionais Com Maleta Reforçada " + "E Acessórios Extras " * 20

AWKWARD = {
    "Fone [/promo] Bluetooth [bold red]Oferta[/bold red] Auriverde": Product("Fone", 29, 199, _SOUND, ()),
    "Monitor 27\" Curvo 'Gamer' “Pro” Boreal": Product("Monitor", 899, 2_499, _COMPUTERS, ()),
    "Caneca 🎁 Térmica ☕ Presente 500 Ml": Product("Caneca", 29, 99, _HOME, ()),
    "<b>Cabo</b> Usb-c & Carregador <script>alert(1)</script> Lumina": Product("Cabo", 19, 79, _COMPUTERS, ()),
    _LONG.strip(): Product("Kit De Ferramentas", 249, 1_299, _TOOLS, ()),
    '=HYPERLINK("http://exemplo.invalid";"Clique") Adesivo Piatã': Product("Adesivo", 9, 29, _HOME, ()),
    "Kit 10x R$ 25,90 Cada De R$ 1.299,90 Por R$ 9,99 Tupã": Product("Kit", 9, 59, _HOME, ()),
    "Luminária \x1b[31mVermelha\x1b[0m Serralta": Product("Luminária", 39, 299, _HOME, ()),
    "Carregador \\u003Cturbo\\u003E 100% OFF {price_total} Nímbus": Product("Carregador", 29, 149, _COMPUTERS, ()),
}
"""Titles that break careless programs (Rich markup, quotes, emoji, HTML, 470 characters, a spreadsheet formula, prices,
terminal escapes, templates), and what they sell."""


class Goods(NamedTuple):
    """One thing that is sold."""

    title: str
    product: Product
    brand: str


def invented_goods(rng: Random) -> Goods:
    product, brand, detail = rng.choice(PRODUCTS), rng.choice(_BRANDS), rng.randrange(_MOST_DETAILS)
    named = f"{product.name} {brand} {product.details[detail % len(product.details)]}"
    return Goods(f"{named} Modelo {rng.randrange(100, 1000)}", product, brand)


def awkward_goods(title: str) -> Goods:
    """The goods of one of the awkward titles."""
    return Goods(title, AWKWARD[title], next((brand for brand in _BRANDS if brand in title), _BRANDS[0]))


def slug(text: str) -> str:
    """The text as it stands in an address: ASCII letters and digits, joined by dashes, 80 characters at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:80].strip("-") or "produto"
