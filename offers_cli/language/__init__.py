"""The language in which people are spoken to: English, as the texts stand in the code, or Brazilian Portuguese.

Only what is about to be shown is translated: by the printer, the help, the dashboard's pages, the text log, the
sender of alerts. Everything before that, and everything for programs (JSON, the database, Redis), stays English.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from offers_cli.language.figures import in_portuguese

Language = Literal["en", "pt-BR"]
LANGUAGES: tuple[Language, ...] = ("en", "pt-BR")


@dataclass(slots=True)
class _Choice:
    language: Language | None = "en"
    find: Callable[[], Language] = lambda: "en"


_choice = _Choice()


def speak(language: Language) -> None:
    """Speak that language in this process from now on."""
    _choice.language = language


def speak_as(find: Callable[[], Language]) -> None:
    """Speak the language that `find` returns, which is asked once: when the first text is shown."""
    _choice.language, _choice.find = None, find


def spoken() -> Language:
    """The language that is spoken in this process."""
    if _choice.language is None:
        _choice.language = _choice.find()
    return _choice.language


def language_of_locale(environ: Mapping[str, str] = os.environ) -> Language:
    """The language of the locale, by the variables of POSIX; English for all that is not Portuguese."""
    name = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "pt-BR" if name.lower().startswith("pt") else "en"


def figure(text: str) -> str:
    """A figure as English writes it, ``1,234.5``, as the language that is spoken does."""
    return text if spoken() == "en" else in_portuguese(text)


def translate(text: str) -> str:
    """An English text of the program in the language that is spoken; as it is where it is not known."""
    if not text or spoken() == "en":
        return text
    from offers_cli.language.translations import portuguese

    return portuguese().translate(text)


def look_up(text: str) -> str:
    """A text that a page marks as one, in the language that is spoken; it is not taken apart as `translate` does."""
    if spoken() == "en":
        return text
    from offers_cli.language.translations import portuguese

    return portuguese().exact(text) or text


def format_figure(number: float) -> str:
    """A number with a sign between its thousands: 1,234 or 1.234."""
    return figure(f"{number:,}")
