"""Brings the catalogue up to date with the texts in the code: `python -m translations.update`, or `nox -s generate`.

New texts come in untranslated, those that are gone go. `--check` changes nothing and fails where something is to be
done: a text that is new or gone, one without a translation, one whose fields differ from its translation's.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "offers_cli"
LANGUAGE = PACKAGE / "language"
PO = LANGUAGE / "pt_BR" / "LC_MESSAGES" / "offers.po"
FIRST = datetime(2026, 11, 26, tzinfo=UTC)
HEADER = "# Brazilian Portuguese of offers.\n#"


def find_texts() -> Catalog:
    """Every text for people in the code and in the pages, with the files it stands in."""
    with (ROOT / "translations" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    texts = Catalog(fuzzy=False)
    for name, line, found, _comments, _context in sorted(
        extract_from_dir(str(PACKAGE), methods, options), key=itemgetter(0, 1)
    ):
        for text in [found] if isinstance(found, str) else found:  # a page's two forms are texts of their own
            texts.add(text, locations=[(name, line)], flags=() if name.endswith(".html") else ("python-brace-format",))
    return texts


def updated() -> Catalog:
    """The catalogue with the texts that stand in the code, and the translations that it had."""
    with PO.open("rb") as file:
        catalogue = read_po(file, locale="pt_BR")
    catalogue.update(find_texts(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def files_of(catalogue: Catalog) -> dict[Path, bytes]:
    """What the files of a catalogue hold."""
    for message in catalogue:
        message.flags.discard("python-brace-format")
        message.flags.discard("python-format")
    po, mo = io.BytesIO(), io.BytesIO()
    catalogue.header_comment = HEADER
    catalogue.project, catalogue.version, catalogue.language_team = "offers", "1", "pt_BR"
    catalogue.creation_date = catalogue.revision_date = FIRST  # no file may differ by the day it was written
    write_po(po, catalogue, sort_output=True, width=110, include_lineno=False, omit_header=False)
    write_mo(mo, catalogue)
    templates = sorted(
        text for message in catalogue if _fields(text := str(message.id)) or text.startswith((" ", ", "))
    )
    return {
        PO: po.getvalue(),
        PO.with_suffix(".mo"): mo.getvalue(),
        LANGUAGE / "templates.json": (json.dumps(templates, ensure_ascii=False, indent=0) + "\n").encode(),
    }


def problems_of(catalogue: Catalog) -> Iterator[str]:
    """What is wrong with the translations, a line each."""
    for message in catalogue:
        if not message.id:
            continue
        text, translation = str(message.id), str(message.string or "")
        if message.fuzzy:
            yield f"fuzzy: {text!r}"
        elif not translation:
            yield f"not translated: {text!r}"
        elif _fields(text) != _fields(translation) or _names(text) != _names(translation):
            yield f"other fields than its text: {text!r}: {translation!r}"
        elif text[: len(text) - len(text.lstrip())] != translation[: len(translation) - len(translation.lstrip())]:
            yield f"begins with other blanks than its text: {text!r}: {translation!r}"


def _fields(text: str) -> list[tuple[str, str | None]]:
    """The fields of a template of the code, sorted, with their conversions; none for a page's text."""
    try:
        fields = [(name, conversion) for _, name, _, conversion in Formatter().parse(text) if name is not None]
    except ValueError:
        return []
    return sorted(fields) if all(name.isidentifier() for name, _ in fields) else []


def _names(text: str) -> list[str]:
    """The fields of a page's text, as in ``%(jobs)s waits``, its tags, and how often it says ``%%``."""
    return sorted(re.findall(r"%\(\w+\)s|</?[a-z]+>|%%", text))


def main() -> int:
    """Write the files; with ``--check`` say what is to be done. Returns the exit code."""
    catalogue = updated()
    files = files_of(catalogue)
    if "--check" not in sys.argv[1:]:
        for path, content in files.items():
            path.write_bytes(content)
    stale = [
        f"not up to date: {path.relative_to(ROOT)}" for path, content in files.items() if path.read_bytes() != content
    ]
    problems = [*stale, *problems_of(catalogue)]
    for problem in problems:
        print(problem)
    print(f"{len(catalogue)} texts, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
