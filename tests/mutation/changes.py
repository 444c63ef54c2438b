"""One change at a time, of what no tool changes: Lua scripts, and the constants of a Python module.

Of a constant each number is moved by one, and each alternative of a pattern or selector is dropped.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

SWAPS = [
    (r"==", "~="), (r"~=", "=="), (r"<=", "<"), (r">=", ">"),
    (r"(?<![<>~=])<(?!=)", "<="), (r"(?<![<>~=-])>(?!=)", ">="),
    (r"\band\b", "or"), (r"\bor\b", "and"), (r"\bnot ", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r" \+ ", " - "), (r" - ", " + "), (r"\bif (?:.*) then", "if true then"), (r"\bif (?:.*) then", "if false then"),
    (r"(?<=local )(\w+) = redis\.call\(.*\)$", r"\1 = false"), (r"^ *(?:redis\.call|add|\w+)\(.*\)$", ""),
    (r"'[LR](?=PUSH|POP)", None), (r"(?<![\w.'-])(\d+)(?![\w.'])", None),
]  # fmt: skip


def lua_changes(text: str) -> Iterator[str]:
    """The script with one comparison, condition, number or call changed; comments stay."""
    lines = text.splitlines(keepends=True)
    for place, whole in enumerate(lines):
        code, dashes, comment = whole.partition("--")
        for pattern, other in SWAPS:
            for found in re.finditer(pattern, code.rstrip("\n")):
                changed = code[: found.start()] + _instead(found, other) + code[found.end() :]
                if changed != code:
                    yield "".join([*lines[:place], changed + dashes + comment, *lines[place + 1 :]])


def _instead(found: re.Match[str], other: str | None) -> str:
    if other is not None:
        return found.expand(other)
    return {"'L": "'R", "'R": "'L"}.get(found[0]) or str(int(found[0]) + 1)


def constant_changes(text: str) -> Iterator[str]:
    """The module with one of its constants changed."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    source = text.encode()
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.Assign):
            continue
        for node in ast.walk(statement.value):
            if not isinstance(node, ast.Constant) or node.end_lineno is None or node.end_col_offset is None:
                continue
            start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            for changed in _changed(node.value, source[start:end].decode()):
                yield (source[:start] + changed.encode() + source[end:]).decode()


def _changed(value: object, literal: str) -> Iterator[str]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield f"({literal} + 1)"
    elif isinstance(value, str):
        mark = "|" if "|" in literal else ", "
        parts = literal.split(mark)
        for place in range(len(parts) if len(parts) > 1 else 0):
            yield _without(parts, place, mark)


def _without(parts: list[str], place: int, mark: str) -> str:
    """The literal without one alternative; what opens or closes around it stays."""
    opening = re.match(r"""^(?:.*\((?:\?:)?|[rbfu]*["']+)""", parts[place])
    closing = re.search(r"""(?:["']+|\).*)$""", parts[place])
    kept = (opening[0] if opening and place == 0 else "", closing[0] if closing and place == len(parts) - 1 else "")
    rest = mark.join(parts[:place] + parts[place + 1 :])
    return kept[0] + rest + kept[1]
