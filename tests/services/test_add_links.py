"""Which links a text holds, and what single pages become."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from offers_cli.errors import NotFound, TooLarge, UsageError
from offers_cli.services.add import links_in, read_links


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("", []),
        ("# https://meli.la/a\n \n", []),
        ("https://meli.la/a https://meli.la/b", ["https://meli.la/a", "https://meli.la/b"]),
        ("Fone por R$ 99,90: https://meli.la/a corre!", ["https://meli.la/a"]),
        ("1. <https://meli.la/a>, 2. [x](https://meli.la/b)", ["https://meli.la/a", "https://meli.la/b"]),
        ('"Fone";"https://meli.la/a";99', ["https://meli.la/a"]),
        ("meli.la/a\r\nmercadolivre.com/sec/b", ["meli.la/a", "mercadolivre.com/sec/b"]),
        ("nada aqui", ["nada"]),
        (
            "https://produto.mercadolivre.com.br/MLB-1-x-_JM#position=2,a",
            ["https://produto.mercadolivre.com.br/MLB-1-x-_JM#position=2,a"],
        ),
        ("link\thttps://meli.la/a,https://meli.la/b", ["https://meli.la/a", "https://meli.la/b"]),
    ],
)
def test_links_are_found_in_whatever_people_paste(text: str, links: list[str]) -> None:
    assert list(links_in(text)) == links


def test_links_come_from_words_files_and_the_standard_input(tmp_path: Path) -> None:
    listed = tmp_path / "links.txt"
    listed.write_bytes("\ufeffmeli.la/c\n".encode("utf-16-le"))
    found = read_links(["meli.la/a", "-"], [listed], stdin=io.BytesIO(b"meli.la/b\n"))
    assert found == ["meli.la/a", "meli.la/b", "meli.la/c"]


def test_no_links_and_no_file_are_said(tmp_path: Path) -> None:
    for words in ((), ("-",)):
        with pytest.raises(UsageError, match="no links"):
            read_links(words, [], stdin=io.BytesIO(b"# none\n"))
    with pytest.raises(NotFound):
        read_links([], [tmp_path / "none"], stdin=io.BytesIO())
    with pytest.raises(TooLarge):
        read_links(["-"], [], stdin=io.BytesIO(b"x" * (10 * 2**20 + 1)))
