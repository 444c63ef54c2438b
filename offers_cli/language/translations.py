"""The catalogue of a language: finds the translation of a finished English text.

A text reaches its reader long after it was written: through an error, a report, Redis, a database. What went into it
is found again by the template it was made of, ``{path} cannot be read: {reason}``, and is itself translated, so that
one sentence is never in two languages. Templates, and with them the catalogue, are extracted from the code; see
`translations/` in the repository.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from string import Formatter

from offers_cli.language.figures import in_portuguese

FOLDER = Path(__file__).parent
DOMAIN = "offers"
LONGEST = 2000
"""Characters of a text; a longer one is no message of ours."""
SURE, UNSURE = 8, 4
"""Letters of a template. One with fewer than the first could fit what others wrote: what stands in its fields has to be
a text of ours, a figure, a path or one word; with fewer than the second, no word either."""
DEEPEST = 4
"""Texts within texts."""
MOST_PARTS = 40
"""Texts beside each other; what has more is no message of ours."""
SEPARATORS = ("\n", "  ", "; ", " · ", ", ", ": ")
"""What the program puts between texts that stand beside each other, the strongest first."""
_LETTER = re.compile(r"[A-Za-z]{2}")
_NAMED_FIGURE = re.compile(r"([0-9][0-9.,]*%?) (.+)|(.+) ([0-9][0-9.,]*%?)", re.DOTALL)
_FIGURE = re.compile(r"-?[0-9][0-9.,]*(?:e[+-]?[0-9]+)?%?")
_QUOTED = re.compile(r"(['\"])[\s\S]*\1")
_ANYTHING = re.compile(r"[\s\S]*")
_VERBATIM = re.compile(r"[\s\S]+")
_KINDS = {"r": _QUOTED, "s": _VERBATIM, ",": _FIGURE, "f": _FIGURE, "g": _FIGURE, "%": _FIGURE}
"""By the end of a field's conversion or format, what may stand in it."""
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)( \d\d:\d\d(?::\d\d)?)?")


@cache
def portuguese() -> Translations:
    """The catalogue of Brazilian Portuguese."""
    return Translations("pt_BR")


class Template:
    """A text with fields, and how a finished text is taken apart by it.

    Attributes:
        anchor: its longest part without a field; a text that lacks it was not made of this template.
        own: how many letters are its own; the more, the surer.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [*Formatter().parse(text), ("", None, None, None)]
        self.anchor = max((literal for literal, *_ in parts), key=len)
        self.own = sum(map(str.isalpha, "".join(literal for literal, *_ in parts)))
        self._start = parts[0][0]
        self._fields = [
            (str(name), _KINDS.get(conversion or (spec or "")[-1:], _ANYTHING), following[0])
            for (_, name, spec, conversion), following in pairwise(parts)
            if name is not None
        ]

    @property
    def verbatim(self) -> Collection[str]:
        """The fields of what is typed as it stands, ``{choices!s}``: it is never translated."""
        return [name for name, kind, _ in self._fields if kind is _VERBATIM]

    def may_hold(self, value: str, *, known: bool) -> bool:
        """Whether that may stand in a field of it; `known` where it is a text of ours, or holds one."""
        if self.own >= SURE or "/" in value or not _LETTER.search(value) or _QUOTED.fullmatch(value):
            return True
        if any(separator in value for separator in SEPARATORS):
            return False
        return known or (self.own >= UNSURE and " " not in value)

    def take_apart(self, text: str) -> dict[str, str] | None:
        """What stands in the fields of a text made of this template; None where it was not.

        Each field ends where what follows it stands first: no second try, so that no text can take long.
        """
        if self.anchor not in text or not text.startswith(self._start):
            return None
        values, place = {}, len(self._start)
        for number, (name, kind, following) in enumerate(self._fields, start=1):
            is_last = number == len(self._fields)
            quote = text[place : place + 1] if kind is _QUOTED else ""
            end = len(text) - len(following) if is_last else text.find(quote + following, place + len(quote))
            end += 0 if is_last else len(quote)
            value = text[place:end]
            if end < place + len(quote) or not kind.fullmatch(value) or (is_last and not text.endswith(following)):
                return None
            values[name] = in_portuguese(value) if kind is _FIGURE else value
            place = end + len(following)
        return values


class Translations:
    """The translations into one language.

    Args:
        name: of its folder, such as ``pt_BR``.
    """

    def __init__(self, name: str) -> None:
        with (FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
            self._catalogue = gettext.GNUTranslations(file)
        texts: Sequence[str] = json.loads((FOLDER / "templates.json").read_text(encoding="utf-8"))
        self._templates = sorted((Template(text) for text in texts if "{" in text), key=lambda each: -each.own)
        self._endings = [text for text in texts if "{" not in text]
        self.translate = lru_cache(maxsize=4096)(self._translate)

    def exact(self, text: str) -> str | None:
        """The translation of a text or template as it stands in the catalogue; None where it does not."""
        known = self._catalogue.gettext(text)
        return known if known != text else None

    def _translate(self, text: str) -> str:
        return self._find(text, 0) or text

    def _find(self, text: str, depth: int) -> str | None:
        """The translation; None where nothing of it is known."""
        if moment := _MOMENT.fullmatch(text):
            year, month, day, time = moment.groups(default="")
            return f"{day}/{month}/{year}{time}"
        if len(text) > LONGEST or depth > DEEPEST or not _LETTER.search(text):
            return None
        return (
            self.exact(text) or self._as_heading(text) or self._by_template(text, depth) or self._by_parts(text, depth)
        )

    def _as_heading(self, text: str) -> str | None:
        """The translation of a text that begins with a capital letter here alone."""
        known = self.exact(text[0].lower() + text[1:])
        return known and known[0].upper() + known[1:]

    def _by_template(self, text: str, depth: int) -> str | None:
        for template in self._templates:
            if (values := template.take_apart(text)) is None:
                continue
            found = {
                name: value if name in template.verbatim else self._find(value, depth + 1)
                for name, value in values.items()
            }
            if all(template.may_hold(value, known=bool(found[name])) for name, value in values.items()):
                told = {name: found[name] or value for name, value in values.items()}
                return _fill(self._catalogue.gettext(template.text), told)
        return None

    def _by_parts(self, text: str, depth: int) -> str | None:
        for separator in SEPARATORS:
            parts = text.split(separator, 1 if separator == ": " else -1)  # what follows a colon may have its own
            if 1 < len(parts) <= MOST_PARTS:
                found = [self._find(part, depth + 1) for part in parts]
                if any(found):
                    return separator.join(new or old for new, old in zip(found, parts, strict=True))
        for ending in self._endings:
            if text.endswith(ending):
                head = text.removesuffix(ending)
                return (self._find(head, depth + 1) or head) + self._catalogue.gettext(ending)
        head, _, tail = text.partition(" ")
        if " " in tail and (known := self.exact(tail)):  # such as: FILE is damaged
            return f"{head} {known}"
        return self._figure_with_name(text)

    def _figure_with_name(self, text: str) -> str | None:
        """A figure and what it counts, in either order: ``3 enriched``, ``rating 4.8``."""
        if not (found := _NAMED_FIGURE.fullmatch(text)):
            return None
        figure, name = in_portuguese(found[1] or found[4]), self.exact(found[2] or found[3])
        return name and (f"{figure} {name}" if found[1] else f"{name} {figure}")


def _fill(template: str, values: dict[str, str]) -> str:
    parts = Formatter().parse(template)
    return "".join(literal + (values[name] if name is not None else "") for literal, name, _, _ in parts)
