"""The kinds of values that settings have: how the text of each is read, and how a value may be shown."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from offers_cli.files import parse_path

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MASK = "********"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_QUERY_SECRET = re.compile(r"[?&][^&=]*(?:password|username|token|key|secret)[^&=]*=", re.IGNORECASE)
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(%\w+)?\]|[^\[\]:\s]*)(:[0-9]{1,5})?", re.ASCII)
_BOOLEAN = re.compile("|".join(_BOOLEANS), re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15}|,[0-9]{1,2})?")
"""With a comma as in Brazil, where it cannot group thousands."""
_DOMAIN = re.compile(r"[\w-]{1,30}(\.[\w-]{1,30}){1,3}(:[0-9]{1,5})?(/[\w./-]{0,40})?", re.ASCII)
"""What is no secret that somebody put in the wrong place."""


class Secret:
    """Text that shows itself only to who asks for it by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1h``, ``7d`` or ``2w``; raises `ValueError` for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhdw]?)", text.strip(), re.ASCII)
    if not match:
        raise _is_not(text, "a duration, such as 90s, 10m, 1h, 7d or 2w")
    return float(match[1]) * _UNIT_S[match[2]]


def written_duration(seconds: float) -> str:
    """Seconds in the largest unit that holds them without a rest: ``90s``, ``10m``, ``30d``; ``0.5s``."""
    unit = next(unit for unit in ("d", "h", "m", "s") if unit == "s" or (seconds and seconds % _UNIT_S[unit] == 0))
    return f"{seconds / _UNIT_S[unit]:.15g}{unit}"


def written(value: object) -> str:
    """A value as it is written in a `.env`; nothing for one that is not set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def one_line(text: str) -> str:
    """The text, if it may stand in any file or message: on one line, in UTF-8; raises `ValueError` otherwise."""
    if found := _CONTROL.search(text):
        if "\ud800" <= found[0] <= "\udfff":
            raise ValueError("its value is not UTF-8")
        raise ValueError("its value holds a line break or another control character")
    return text


def holds_password(url: str) -> bool:
    """Whether an address holds a user's name or password, before its host or in its query."""
    return "@" in url or bool(_QUERY_SECRET.search(url))


def mask_url(url: str) -> str:
    """Scheme, host and path of an address; passwords stand before the host or in the query, and are not shown."""
    try:
        parts = urlsplit(url.strip())
        _, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return MASK
    if "@" in parts.path + parts.query + parts.fragment:
        return MASK  # a password with a slash, a question mark or a hash in it
    return f"{parts.scheme}://{MASK + at if at else ''}{host}{parts.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueKind:
    """How the text of a setting is read.

    Attributes:
        parse: the value of a text; raises `ValueError`, which says what is expected and never quotes a secret.
        write: a value as text that `parse` reads.
        secret: whether the value is a `Secret`.
        schemes: those that an address may begin with; empty where the value is no address.
        many: whether the text holds several values, separated by commas.
    """

    parse: Callable[[str], Any]
    write: Callable[[Any], str] = written
    secret: bool = False
    schemes: tuple[str, ...] = ()
    many: bool = False


def whole_number(least: int, most: int, *, example: int, or_word: str | None = None) -> ValueKind:
    """An `int` from `least` to `most`, or one word."""
    expected = f"a whole number from {least} to {most}, such as {example}" + (f", or {or_word}" if or_word else "")

    def parse(text: str) -> Any:
        if or_word and text.strip().lower() == or_word:
            return or_word
        return _within(text, int(_fitting(_WHOLE, text, expected)), least, most, expected)

    return ValueKind(parse=parse)


def number(least: float, most: float, *, example: float) -> ValueKind:
    """A `float` from `least` to `most`."""
    expected = f"a number from {least:g} to {most:g}, such as {example}"

    def parse(text: str) -> Any:
        return _within(text, float(_fitting(_NUMBER, text, expected).replace(",", ".")), least, most, expected)

    return ValueKind(parse=parse)


def duration(least_s: float, most_s: float) -> ValueKind:
    """Seconds, a `float`, written as ``90``, ``90s``, ``10m``, ``1h`` or ``7d``."""
    expected = f"from {written_duration(least_s)} to {written_duration(most_s)}"
    return ValueKind(
        parse=lambda text: _within(text, parse_duration(text), least_s, most_s, expected), write=written_duration
    )


def matching(pattern: str, expected: str) -> ValueKind:
    """A text that matches a regular expression as a whole; `expected` says it in words, with an example."""
    return ValueKind(parse=lambda text: _fitting(re.compile(pattern, re.ASCII), text, expected))


def choice(*words: str) -> ValueKind:
    """One of those words, in any case."""
    expected = f"one of {', '.join(words)!s}"
    known = {word.lower(): word for word in words}
    pattern = re.compile("|".join(words), re.ASCII | re.IGNORECASE)
    return ValueKind(parse=lambda text: known[_fitting(pattern, text, expected).lower()])


def shares(**example: int) -> ValueKind:
    """A whole number for each of these names, 100 in all: pairs of both, written as ``first=60,second=40``."""
    written_example = _written_shares(tuple(example.items()))

    def parse(text: str) -> tuple[tuple[str, int], ...]:
        told = re.findall(r"\s*([a-z_]+)\s*=\s*([0-9]{1,3})\s*(?:,|$)", text, re.ASCII)
        given = {name: int(number) for name, number in told}
        if len(told) != len(given) or len(told) != text.count(",") + 1 or given.keys() != example.keys():
            raise _is_not(text, f"a number for each of {', '.join(example)}, such as {written_example}")
        if sum(given.values()) != 100:
            raise ValueError(f"{text!r} adds up to {sum(given.values())}, not to 100, such as {written_example}")
        return tuple((name, given[name]) for name in example)

    return ValueKind(parse=parse, write=_written_shares)


def _written_shares(numbers: Sequence[tuple[str, int]]) -> str:
    return ",".join(f"{name}={number}" for name, number in numbers)


def _fitting(pattern: re.Pattern[str], text: str, expected: str) -> str:
    if not pattern.fullmatch(text):
        raise _is_not(text, expected)
    return text


def _within(text: str, value: float, least: float, most: float, expected: str) -> Any:
    if not least <= value <= most:
        raise _is_not(text, expected)
    return value


def _is_not(text: str, expected: str) -> ValueError:
    return ValueError(f"{text if len(text) <= 80 else f'{text[:80]}…'!r} is not {expected}")


def _parse_words(text: str) -> tuple[str, ...]:
    """Words of a comma-separated list, blanks dropped; a line break between them does no harm."""
    return tuple(one_line(word) for part in text.split(",") if (word := part.strip()))


def _parse_time_zone(text: str) -> ZoneInfo:
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError) as exc:  # a folder of zones, a path that leads out
        from difflib import get_close_matches

        known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        near = [known[zone] for zone in get_close_matches(text.lower().replace(" ", "_"), known, n=1)]
        advice = f"did you mean {near[0]}?" if near else "expected one such as America/Sao_Paulo"
        raise ValueError(f"{text[:80]!r} is no time zone of this machine; {advice}") from exc


BOOLEAN = ValueKind(parse=lambda text: _BOOLEANS[_fitting(_BOOLEAN, text, "one of true, false").lower()])
FILE = ValueKind(parse=lambda text: parse_path(text).absolute())
"""A `Path`, absolute."""
TIME_ZONE = ValueKind(parse=_parse_time_zone)
"""A `ZoneInfo`."""
WORDS = ValueKind(parse=_parse_words, many=True)
"""A tuple of comma-separated words."""


def secret(*, shortest: int = 1) -> ValueKind:
    """A `Secret` of at least so many characters."""

    def parse(text: str) -> Secret:
        if len(text) < shortest:
            raise ValueError(f"it needs at least {shortest} characters; `openssl rand -hex 24` makes a good one")
        return Secret(text)

    return ValueKind(parse=parse, secret=True)


_ADDRESS_BEGINS = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9]{0,31}://)")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}://[!-~]+", re.ASCII)


def split_addresses(text: str) -> tuple[str, ...]:
    """The addresses of a text, whatever their kinds: each begins behind a comma or a blank; one may hold commas."""
    return tuple(part for each in _ADDRESS_BEGINS.split(text) if (part := each.strip(" \t\r\n,")))


def secret_addresses(*, example: str) -> ValueKind:
    """A `Secret` of one address or more, of any kind, as `split_addresses` separates them."""

    def parse(text: str) -> Secret:
        addresses = split_addresses(text)
        if not addresses or not all(map(_ADDRESS.fullmatch, addresses)):
            raise ValueError(f"its value is not one or more addresses, separated by commas, such as {example}")
        return Secret(",".join(addresses))

    return ValueKind(parse=parse, secret=True, many=True)


def address(
    *schemes: str,
    example: str,
    secret: bool = False,
    many: bool = False,
    check: Callable[[str, SplitResult], None] = lambda _text, _parts: None,
) -> ValueKind:
    """The text of an address that begins with one of those schemes.

    Args:
        example: one that fits, for whoever wrote one that does not.
        secret: it may hold a password: the value is a `Secret`.
        many: several of them, separated by commas, in one text.
        check: raises `ValueError` for an address that is none for this setting.
    """

    def parse(text: str) -> str | Secret:
        addresses = _parse_words(text) if many else (text,)
        for each in addresses:
            if (parts := _address_parts(each, schemes)) is None:
                expected = f"an address that begins with {_listed(schemes)}, such as {example}"
                raise ValueError(f"{'its value' if secret else _shown_address(each)} is not {expected}")
            check(each, parts)
        joined = ",".join(addresses)
        return Secret(joined) if secret else joined.rstrip("/")

    return ValueKind(parse=parse, secret=secret, schemes=schemes, many=many)


def _address_parts(text: str, schemes: tuple[str, ...]) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        places = parts.netloc.split(",") if parts.scheme.endswith("+sentinel") else [parts.netloc]
        valid = parts.scheme in schemes and bool(parts.netloc or parts.scheme == "unix")
        valid = valid and all(_HOST.fullmatch(place.rpartition("@")[2]) for place in places)
        valid = valid and all(urlsplit(f"//{place}").port != 0 for place in places)
    except ValueError:
        return None
    return parts if valid else None


def _listed(schemes: tuple[str, ...]) -> str:
    *most, last = (f"{scheme}://" for scheme in schemes)
    return f"{', '.join(most)} or {last}" if most else last


def _shown_address(text: str) -> str:
    """What was written, as far as it may be seen."""
    if _DOMAIN.fullmatch(text):
        return repr(text)
    return repr(mask_url(text)[:80]) if "://" in text else "its value"


def without_user(text: str, parts: SplitResult) -> None:
    """Refuse an address with a user's name or password; raises `ValueError`."""
    if "@" in parts.netloc:
        raise ValueError(f"pages are fetched without a user and password, got {mask_url(text)[:80]}")


def fit_for_key(_text: str, parts: SplitResult) -> None:
    """Refuse an address to which a key would travel in the open; raises `ValueError`."""
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("a key is sent over plain http to this machine only (127.0.0.1, ::1, localhost); use https://")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address; a name other than ``localhost`` may lead anywhere."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
