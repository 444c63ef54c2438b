"""How much work a page is, told from its bytes before any tree is built of it.

A few bytes can cost a parser gigabytes and minutes: elements and attributes of two letters, empty objects of JSON, bold
text that each paragraph after it takes up again. So the tags are counted first, as HTML's own tokenizer finds them, in
one pass, and a page that is far from any real one is refused.

The largest of the pages measured (of Mercado Livre from 2024 to 2026 and of other shops) had 2.5 million bytes,
43,000 nodes, 63,000 attributes, 24 of them in one tag, 107,000 bytes in another, 39 elements open at once,
280,000 bytes of text and 47,000 brackets and commas. The limits are four times that, about, or more; of tags and
elements more than twice as many, for each of them is looked at dozens of times. What else a page costs is counted while
it is read (see `tree`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import cast

from offers_cli.errors import TooLarge

MOST_BYTES = 10 * 2**20
MOST_TAGS = 100_000
MOST_NODES = 110_000
MOST_ATTRIBUTES = 280_000
MOST_ATTRIBUTES_OF_ONE = 500
"""The parser compares each attribute of a tag with all before it."""
MOST_BYTES_OF_ONE = 450_000
MOST_OPEN = 160
"""The parser walks the open elements at many tags."""
MOST_TEXT = 1_200_000
MOST_JSON_MARKS = 240_000
MOST_LINKED_DATA = 300_000
MOST_LINKED_NODES = 1000
HINT = "no shop's page is like that; open it in a browser"

MOST_MEMORY_MB = 140
"""Of a page that is just within several of the others."""

_NODE_BYTES, _ATTRIBUTE_BYTES, _JSON_MARK_BYTES = 290, 250, 150
_SHORT_PAGE = 3_000_000
_FEW_BYTES = 1_000_000
"""JSON of so few is soon read, whatever it holds; nor can so few be too many attributes with a value."""
_USUAL_DEPTH = 20
_FEW_TOKENS = 10_000
"""So few, however deep, are soon parsed."""
_PLAIN_ATTRIBUTES = 100
_PLAIN_VALUE = 10_000
_VALUE = r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+|(?=>)|\Z)"""
_ATTRIBUTE = rf"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+{_VALUE})?+"""
_ATTRIBUTES = (
    rf"""(?:\s++[^\s"'<>=/]++="[^"]{{0,{_PLAIN_VALUE}}}+"){{0,{_PLAIN_ATTRIBUTES}}}+"""
    rf"""((?:[\s/]++|{_ATTRIBUTE}){{0,{2 * MOST_ATTRIBUTES_OF_ONE}}}+)>?"""
)
"""Those that are written as most are, in fewer steps; then the others, which are captured."""
_DASH = r"-(?!-)|--++(?!{end})"
"""A dash, or all of many at once, that do not end what they stand in."""
_IN_SCRIPT = rf"[^<-]++|{_DASH.format(end='>')}"
_TWICE_ESCAPED = rf"(?:{_IN_SCRIPT}|<(?!(?i:/script)[\s/>]))*+(?:</(?i:script))?+"
_ESCAPED = rf"(?:{_IN_SCRIPT}|<(?!(?i:/?script)[\s/>])|<(?i:script){_TWICE_ESCAPED})*+(?:--++>)?+"
_SCRIPT = rf"(?:[^<]++|<!--(?:-?>|{_ESCAPED})|<(?!(?i:/script)[\s/>]|!--))*+"
"""A script's text; one that holds ``<!--`` and then ``<script`` goes on behind its first end (HTML, 13.2.5.17)."""
_TEXT_TO_ITS_END = r"(?:[^<]++|<(?!(?i:/\2)[\s/>]))*+"
_TOKEN = re.compile(
    r"<(?:"
    r"(?:(?=[sStTxXiInN][a-zA-Z]{2})(?=(?i:(script)|(style|textarea|title|xmp|iframe|noembed|noframes))[\s/>])|)"
    rf"(/?[a-zA-Z][^\s/>]*+){_ATTRIBUTES}((?(1){_SCRIPT}|(?(2){_TEXT_TO_ITS_END})))"
    rf"|!--(?:-?>|[^-]*+(?:(?:{_DASH.format(end='!?>')})[^-]*+)*+(?:--++!?>)?)"
    r"|(?!!--)(?:[?/]|!(\[CDATA\[)?)[^>]*+>?)".encode(),
    re.DOTALL,
)

_ORDINARY_NAMES = (
    r"(?:span|div|li|a|p(?:ath|icture)?|h(?:[1-6]|eader|r)|l(?:abel|ine|ink)|i(?:mg|nput)|s(?:ection|ource|ymbol)"
    r"|t(?:able|body|d|head|h|r)|b(?:utton|r)|u(?:l|se)|d(?:d|efs|l|t)|c(?:ircle|lipPath)|f(?:igure|ooter|orm)"
    r"|m(?:ain|ask|eta)|nav|ol|g|rect|article)"
)
"""By how often they occur, and by their first letters: a page holds thousands of tags."""
_ORDINARY_ATTRIBUTES = (
    rf"""(?:[ \n\t\r\f]++[^ \n\t\r\f"'<>=/]++="[^"]{{0,{_PLAIN_VALUE}}}+"){{0,{_PLAIN_ATTRIBUTES}}}+"""
)
_ORDINARY_TAG = rf"/?+{_ORDINARY_NAMES}(?:>|{_ORDINARY_ATTRIBUTES}[ \n\t\r\f]*+/?+>)"
_DRAWING = rf"svg{_ORDINARY_ATTRIBUTES}[ \n\t\r\f]*+>[^<]*+(?:<(?:{_ORDINARY_TAG})[^<]*+)*+</svg>"
_ORDINARY = re.compile(rf"[^<]*+(?:<(?:{_ORDINARY_TAG}|{_DRAWING})[^<]*+)*+".encode())
"""Text, and tags of which no more is to be known than that they are there; of links but one is open at a time.
A drawing that holds nothing else closes what it opens.
"""
_ONE_ATTRIBUTE = re.compile(f"{_ATTRIBUTE}|/".encode())
"""Or a stroke between them, for which the parser keeps as much."""
_MANY_CHARACTERS = 2 * (MOST_ATTRIBUTES_OF_ONE - _PLAIN_ATTRIBUTES)
_CLOSED_IN_ITSELF = re.compile(rb"""(?:.*["'\s])?/""", re.DOTALL)

_WITHOUT_CONTENT = set(b"area base br col embed hr img input link meta source wbr".split())
_CLOSED_BY_THE_NEXT = set(b"p li td th tr option optgroup dt dd tbody thead tfoot".split())
_NEVER_NESTED = _WITHOUT_CONTENT | _CLOSED_BY_THE_NEXT
_ONE_AT_A_TIME = {b"a", b"nobr"}
_TAKEN_UP = set(b"b big code em font i s small strike strong tt u".split()) | _ONE_AT_A_TIME
"""What HTML opens anew in each block that follows, until it is closed."""
_OTHER_RULES = {b"svg", b"math", b"select"}
"""Within them a script or a style may be an element like others, or none at all."""
_DOORS = set(b"foreignobject desc annotation-xml mi mo mn ms mtext template".split())
"""Within those, HTML's own rules stand again."""
_WATCHED = {slash + name for slash in (b"", b"/") for name in _TAKEN_UP | _OTHER_RULES} | _DOORS

Token = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""Of a tag: ``script``; ``style`` or the like; its name; attributes that are not written plainly; the text within a
script, a style or the like. Of another token: whether it is CDATA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What the text of a page would become, rather too much than too little.

    Attributes:
        nodes: elements and comments; None where that cannot be told, as text may be taken for tags.
        attributes_of_one: of the tag that has most; 0 where none has many.
        bytes_of_one: in the attributes of the longest tag; 0 where they are all short.
        open: the greatest number of elements open at once; 0 where there are too few for it to matter.
        text: bytes outside of tags and scripts; 0 where the page is short.
    """

    nodes: int | None
    attributes: int
    attributes_of_one: int = 0
    bytes_of_one: int = 0
    open: int = 0
    text: int = 0


def refuse_unbounded(data: bytes, *, is_json: bool) -> int:
    """How many elements there are to look through; raises `TooLarge` for a page that would keep its reader busy.

    Of a deep page a multiple: each element is looked at with all that is around it.
    """
    marks = refuse_unbounded_json(data)
    if is_json:
        return 0
    weight = weigh(data)
    if weight.nodes is None:
        raise TooLarge("the page hides its tags: scripts stand in a drawing or a list of choices", hint=HINT)
    for there, most, what in (
        (weight.nodes, MOST_NODES, "elements in all"),
        (weight.attributes, MOST_ATTRIBUTES, "attributes in all"),
        (weight.attributes_of_one, MOST_ATTRIBUTES_OF_ONE, "attributes in one tag"),
        (weight.bytes_of_one, MOST_BYTES_OF_ONE, "bytes in one tag"),
        (weight.open, MOST_OPEN, "elements within each other"),
        (weight.text, MOST_TEXT, "bytes between its tags"),
    ):
        refuse_more(there, most, what)
    tree = weight.nodes * _NODE_BYTES + weight.attributes * _ATTRIBUTE_BYTES
    width = 1 if data.isascii() else 4
    texts = 2 * len(data) * (1 + width)  # as bytes for the parser and in its tree; as text of a script and in its state
    needed_mb = (tree + texts + marks * _JSON_MARK_BYTES) // 2**20
    if needed_mb > MOST_MEMORY_MB:
        raise TooLarge(f"the page would take {needed_mb} MB of memory, more than {MOST_MEMORY_MB}", hint=HINT)
    return weight.nodes * max(1, weight.open // _USUAL_DEPTH)


def refuse_unbounded_json(data: bytes) -> int:
    """The same for what is JSON, or holds some; gives how many values it has, about, or 0 where it is short."""
    refuse_more(len(data), MOST_BYTES, "bytes")
    marks = sum(map(data.count, b"{[,")) if len(data) > _FEW_BYTES else 0
    refuse_more(marks, MOST_JSON_MARKS, "brackets and commas")
    return marks


def refuse_more(there: int, most: int, what: str) -> None:
    """Raise `TooLarge` when there is more of something than is read."""
    if there > most:
        raise TooLarge(f"the page has {there:,} {what}, more than the {most:,} that are read", hint=HINT)


def weigh(data: bytes) -> Weight:
    """Count what a page's tags become, in time that grows with its length alone; too many are refused at once."""
    tags = data.count(b"<")
    refuse_more(tags, MOST_TAGS, "tags")
    tokens = list(_find_special(data)) if tags <= _FEW_TOKENS else []
    # What is open beside a door tells only the whole page.
    is_plain = tags <= _FEW_TOKENS and not any(token[2].lower() in _DOORS for _, token in tokens)
    between: Callable[[int, int], int] = partial(data.count, b"<") if is_plain else _apart
    if is_plain:
        nodes, end = 2 * tags, len(data)  # each tag may take up a link again
    else:
        tokens = list(enumerate(_read_tokens(data)))
        nodes = end = len(tokens)
    odd = [token[3] for _, token in tokens if len(token[3]) > 1]
    long = [_count_attributes(attributes) for attributes in odd if len(attributes) > _MANY_CHARACTERS]
    quoted = len(data) // len(' a=""') if len(data) <= _FEW_BYTES else data.count(b'="')
    others = sum(len(attributes) // 2 for attributes in odd if len(attributes) <= _MANY_CHARACTERS)
    again = _count_taken_up(tokens, end, between)
    return Weight(
        nodes=None if again is None else nodes + again,
        attributes=quoted + others + sum(long),
        attributes_of_one=_PLAIN_ATTRIBUTES + max(long) if long else 0,
        bytes_of_one=max(map(len, odd), default=0),
        open=_count_open(tokens) if tags > _FEW_TOKENS else 0,
        text=_count_text(data, tokens) if len(data) > MOST_TEXT else 0,
    )


def _count_attributes(attributes: bytes) -> int:
    """How many there are, as far as one tag may have so many."""
    return sum(1 for _ in islice(_ONE_ATTRIBUTE.finditer(attributes), MOST_ATTRIBUTES_OF_ONE))


def _apart(start: int, end: int) -> int:
    return end - start


def _find_special(data: bytes) -> Iterator[tuple[int, Token]]:
    """The tags and comments of which something is to be known, and where each stands."""
    place = 0
    while (place := _ORDINARY.match(data, place).end()) < len(data):  # type: ignore[union-attr]  # it matches nothing, too
        found = _TOKEN.match(data, place)
        if found is None:
            place += 1
            continue
        yield place, cast("Token", found.groups(b""))
        place = found.end()


def _read_tokens(data: bytes) -> list[Token]:
    """The tags and comments; of a long page not those behind more attributes than any page has."""
    if len(data) <= _SHORT_PAGE:
        return _TOKEN.findall(data)
    tokens, odd = [], 0
    for found in _TOKEN.finditer(data):
        tokens.append(cast("Token", found.groups(b"")))
        odd += len(found[4] or b"") // 2
        if odd > 2 * MOST_ATTRIBUTES:
            break
    return tokens


def _count_text(data: bytes, tokens: list[tuple[int, Token]]) -> int:
    outside_scripts = len(data) - sum(len(token[4]) for _, token in tokens)
    return len(_TOKEN.sub(b"", data)) if outside_scripts > MOST_TEXT else 0


def _count_taken_up(tokens: list[tuple[int, Token]], end: int, between: Callable[[int, int], int]) -> int | None:
    """What tags take up again, rather too much than too little; None where that cannot be told.

    Args:
        end: where the last token ends.
        between: how many tokens, or more, stand between two places.
    """
    again = 0
    is_open: Counter[bytes] = Counter()
    taken_up = since = others = 0
    is_lost = False
    watched = {name for name in {token[2] for _, token in tokens} if name.lower() in _WATCHED}
    for number, (place, token) in enumerate(tokens):
        script, raw, name, _, _, data = token
        if (script or raw or data) and (others or is_lost) and _is_ambiguous(token):
            return None
        if name not in watched:
            continue
        tag = name.lower()
        name, step = (tag[1:], -1) if tag.startswith(b"/") else (tag, 1)
        if name in _DOORS:
            is_lost = is_lost or (others > 0 and not _is_closed_in_order(tokens, number))
        elif name in _OTHER_RULES:
            if name == b"select" or not _CLOSED_IN_ITSELF.fullmatch(token[3]):
                others = max(0, others + step)
        elif is_open[name] + step in ((0, 1) if name in _ONE_AT_A_TIME else range(len(tokens) + 1)):
            is_open[name] += step
            again += taken_up and between(since, place) * taken_up
            taken_up, since = taken_up + step, place
    return again + (taken_up and between(since, end) * taken_up)


def _is_ambiguous(token: Token) -> bool:
    script, raw, _, _, content, data = token
    return bool(data) or (bool(script or raw) and b"<" in content)


def _is_closed_in_order(tokens: list[tuple[int, Token]], start: int) -> bool:
    """Whether an element, and all within it, ends as it is written."""
    is_open: list[bytes] = []
    for _, token in tokens[start : start + 1000]:
        name = token[2].lower()
        if name.startswith(b"/"):
            if is_open.pop() != name[1:]:
                return False
        elif name not in _WITHOUT_CONTENT and name:
            is_open.append(name)
        if not is_open:
            return True
    return False


def _count_open(tokens: list[tuple[int, Token]]) -> int:
    """About the greatest number of elements open at once; an end tag whose element is not open does nothing."""
    is_open: Counter[bytes] = Counter()
    depth = deepest = 0
    for _, token in tokens:
        tag = token[2].lower()
        name, step = (tag[1:], -1) if tag.startswith(b"/") else (tag, 1)
        if (
            not name
            or name in _NEVER_NESTED
            or (step < 0 and not is_open[name])
            or _CLOSED_IN_ITSELF.fullmatch(token[3])
        ):
            continue
        is_open[name] += step
        depth += step
        if depth > deepest:
            deepest = depth
            if deepest > MOST_OPEN:
                break
    return deepest
