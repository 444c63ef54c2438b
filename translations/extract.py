"""Finds the texts for people in the program's source, as an extraction method of Babel.

The program's texts are plain English literals and f-strings; no call marks them. A text is taken by where it stands
and how it reads: prose anywhere, one word only where people alone read it. An f-string becomes a template whose fields
are named after what they show, ``{path} cannot be read: {reason}``; where a part of it has two forms
(``'job' if n == 1 else 'jobs'``), each form is a text of its own, so that no translation has to build a plural.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import product
from typing import IO, Any

Piece = str | ast.FormattedValue
Form = tuple[Piece, ...]
"""One form of a text: its words and fields in a row."""

MOST_FORMS = 8
"""A text with more forms keeps the field that makes them; its words are texts of their own then."""
PEOPLE_ONLY = frozenset({"Table", "Topic", "Line", "Note", "Coloured", "Origin", "translate"})
"""What takes texts that only people read: one word is enough there."""
MACHINE_CALLS = frozenset(
    {"compile", "execute", "executemany", "import_module", "get_log", "getLogger", "getattr", "hasattr", "encode"}
    | {"decode", "startswith", "endswith", "removeprefix", "removesuffix", "strip", "rstrip", "lstrip", "split"}
    | {"rsplit", "partition", "rpartition", "sub", "search", "match", "fullmatch", "finditer", "Path"}
    | {"open", "get", "pop", "index", "find", "css", "css_first", "strftime", "TypeVar", "Blueprint", "route", "cast"}
    | {"Parameter", "setdefault", "url_for", "redirect", "render_template"}
)
"""What takes texts that no one reads."""
MACHINE_KEYWORDS = frozenset(
    {"examples", "report", "name", "mode", "encoding", "columns", "order", "params", "headers", "content_type", "tag"}
    | {"metavar", "key", "code", "source", "right", "cut", "short", "wide", "style", "justify", "overflow", "env"}
    | {"colour", "method", "path", "kind", "section", "attribute", "default", "aliases", "media_type", "example"}
)
BUILT_IN_ERRORS = frozenset({"TypeError", "RuntimeError", "AttributeError", "KeyError"})
"""Errors that only who writes code meets."""

COMMAND = re.compile(
    r"(?:apk|apt|brew|chmod|curl|dnf|docker|eval|export|install|ls|mkdir|mv|offers|openssl|pacman|pip|redis-cli|"
    r"redis-server|rm|rq|source|sudo|supervisorctl|systemctl|zypper) [^ ]"
)
PROSE_IN_COMMAND = re.compile(
    r"(?:^|[ ;,(])(?:the|a|to|of|and|or|is|are|with|then|from|for|in|see|be|by|writes|runs|its)[ :]"
)
NOT_PROSE = re.compile(
    r"^\s*(?:<|[:^]\w|::|[.#]\w|--[a-z-]+(?: [^ ]+)?$|@)"
    r"|^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|WITH|ALTER|DROP|REPLACE)"
    r"|\\[bsWd]|[\[\](){}]\?|\(\?|\[[a-z-]+[=\]~^* ]|^h1, |^p, |^User-agent|^Mozilla|; charset=|^Bearer"
)
"""Markup, selectors, patterns, SQL, headers."""
NOT_TEXTS = frozenset(
    {
        "green",
        "red",
        "yellow",
        "left",
        "right",
        "ellipsis",
        "true",
        "false",
        "stdin",
        "stdout",
        "stderr",
        "python",
        "home",
    }
    | {
        "help",
        "interval",
        "watch",
        "hub",
        "ofertas",
        "gzip, deflate",
        "url or external_id",
        "offers.id, url, price_cents",
    }
    | {"The user executing the script can't|ACL failure in script", "DB index is out of range", "read only replica"}
    | {"used memory > 'maxmemory'", "data: {line}\n", ": nothing new\n\n"}
)
TEXTS = frozenset({"[OPTIONS]", "COMMAND [ARGS]...", "Examples:"})
WORDS = re.compile(r"[A-Za-z\0][,.:;)'\"]* +[^ ]|[^ ] +\(?[a-z]|^[ ,;:]+.*[a-z]{2}")
"""More than one word, where ``\\0`` stands for a field."""
ONE_WORD = re.compile(r"[A-Za-z][a-z-]+[.:]?")
NAME = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""Of a value, which is shown in words."""
HEADING = re.compile(r"[A-Z][a-z]+(?: [a-z]+)*")
FIELD_OF_FORMAT = re.compile(r"\{([a-z]*)(![rs])?\}")
"""A field of a text that `str.format` fills; one without a name is called `value`."""
FIGURE = re.compile(r"\{[^{}]*:[^{}]*[,fg%]\} ?[A-Za-z]")
"""A figure with its unit."""
UNIT = re.compile(r"_(?:cents|pct|hundredths)$")


def extract(
    file: IO[bytes], _keywords: Any, _tags: Any, options: dict[str, str]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """The texts of one file, each with its line, no function and no comment: an extraction method as Babel has it."""
    chosen = {name: options.get(name) == "true" for name in ("one_word", "words", "class_docs")}
    finder = _Finder(**chosen, fields_of=options.get("fields_of", "").split())
    finder.visit(ast.parse(file.read()))
    for line, text in sorted(finder.found):
        yield line, "", text, []


class _Finder(ast.NodeVisitor):
    """Walks a module and keeps the texts.

    Args:
        one_word: a single word counts where it stands as a value: in a tuple, a table, a choice, behind `return`.
        words: the words of enumerations and of `Literal` are shown to people.
        fields_of: the names of the fields of these dataclasses are.
        class_docs: the first line of a class's docstring is.
    """

    def __init__(self, *, one_word: bool, words: bool, class_docs: bool, fields_of: Collection[str]) -> None:
        self.found: set[tuple[int, str]] = set()
        self._one_word = one_word
        self._words = words
        self._fields_of = fields_of
        self._class_docs = class_docs

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if self._class_docs and (text := ast.get_docstring(node)):
            self.found.add((node.lineno, text.splitlines()[0]))
        for each in node.body:
            match each:
                case ast.AnnAssign(target=ast.Name(id=name)) if node.name in self._fields_of:
                    self._take_name(name, each.lineno)
                case ast.Assign(value=ast.Constant(value=str() as word)) if self._words:
                    self._take_name(word, each.lineno)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any(_called(each) in ("command", "callback") for each in node.decorator_list):
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                self.found.add((node.lineno, " ".join(paragraph.split())))
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        if not (isinstance(node.exc, ast.Call) and _called(node.exc) in BUILT_IN_ERRORS):
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """What it says only who writes code reads."""

    def visit_Compare(self, node: ast.Compare) -> None:
        """What is compared is no text."""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.value, ast.Constant | ast.JoinedStr):
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        match node.value:
            case ast.Name(id="Annotated"):
                self.visit(node.slice)
            case ast.Name(id="Literal") if self._words:
                self._take_names(node.slice)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            match key, value:
                case ast.Constant(value=str() as heading), ast.Dict() if HEADING.fullmatch(heading):
                    self.found.add((key.lineno, heading))
                case ast.Constant(value=str() as group), ast.Tuple() if self._one_word and ONE_WORD.fullmatch(group):
                    self.found.add((key.lineno, group))
            self._take(value, alone=self._one_word)

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node)
        if name == "command":
            self._take_columns(node)
        elif name in MACHINE_CALLS or (name == "replace" and isinstance(node.func, ast.Attribute)):
            self._pass_by(node)
        else:
            self.visit(node.func)
            for argument in node.args:
                self._take(argument, alone=name in PEOPLE_ONLY)
            for keyword in node.keywords:
                self._take_keyword(keyword, by=name)

    def _take_columns(self, decorator: ast.Call) -> None:
        for keyword in decorator.keywords:
            if keyword.arg == "columns":
                self._take_names(keyword.value)
            elif keyword.arg == "blocks":
                self.visit(keyword.value)

    def _pass_by(self, call: ast.Call) -> None:
        receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
        for each in (*receiver, *call.args):
            if not isinstance(each, ast.Constant | ast.JoinedStr | ast.Tuple):
                self.visit(each)

    def _take_keyword(self, keyword: ast.keyword, *, by: str) -> None:
        if keyword.arg not in MACHINE_KEYWORDS or (by in PEOPLE_ONLY and keyword.arg == "columns"):
            self._take(keyword.value, alone=keyword.arg in ("title", "help"))
        elif not isinstance(keyword.value, ast.Constant | ast.Tuple):
            self.visit(keyword.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._take(node.value, alone=self._one_word)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Tuple | ast.List | ast.IfExp):
            self._take(node, alone=self._one_word)
        elif isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            self._take(node, alone=False)
        else:
            super().generic_visit(node)

    def _take(self, node: ast.expr, *, alone: bool) -> None:
        match node:
            case ast.Tuple(elts=inner) | ast.List(elts=inner) | ast.Set(elts=inner):
                for each in inner:
                    self._take(each, alone=alone or self._one_word)
            case ast.BoolOp(values=inner):
                for each in inner:
                    self._take(each, alone=alone)
            case ast.IfExp():
                self._take(node.body, alone=alone)
                self._take(node.orelse, alone=alone)
                self.visit(node.test)
            case ast.Constant() | ast.JoinedStr() | ast.BinOp():
                self._take_text(node, alone=alone)
            case _:
                self.visit(node)

    def _take_text(self, node: ast.expr, *, alone: bool) -> None:
        if alone and isinstance(node, ast.Constant) and NAME.fullmatch(str(node.value)):
            self._take_name(str(node.value), node.lineno)
            return
        forms = _forms(node)
        for text in map(_template, forms):
            if _is_for_people(text, alone=alone):
                self.found.add((node.lineno, text))
        if forms:
            for field in {id(piece): piece for form in forms for piece in form if not isinstance(piece, str)}.values():
                self.visit(field.value)
        else:
            super().generic_visit(node)

    def _take_names(self, node: ast.expr) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                self._take_name(each.value, each.lineno)

    def _take_name(self, name: str, line: int) -> None:
        self.found.add((line, UNIT.sub("", name.strip("_")).replace("_", " ")))


def _forms(node: ast.expr) -> list[Form]:
    """The forms that a text may have; none of what is no text."""
    match node:
        case ast.Constant(value=str() as text):
            return [(text,)]
        case ast.FormattedValue(value=inner, conversion=conversion, format_spec=spec):
            is_choice = isinstance(inner, ast.IfExp) and conversion == -1 and spec is None
            return (_forms(inner) if is_choice else []) or [(node,)]
        case ast.IfExp(body=body, orelse=other):
            either, or_other = _forms(body), _forms(other)
            return [*either, *or_other] if either and or_other else []
        case ast.JoinedStr(values=values):
            return _combined([_forms(value) for value in values]) or [tuple(map(_piece, values))]
        case ast.BinOp(op=ast.Add(), left=left, right=right) if _forms(left) or _forms(right):
            return _combined([_forms(side) or [(_piece(side),)] for side in (left, right)])
    return []


def _combined(parts: list[list[Form]]) -> list[Form]:
    number = 1
    for forms in parts:
        number *= len(forms)
    return [tuple(piece for form in chosen for piece in form) for chosen in product(*parts)] * (number <= MOST_FORMS)


def _piece(node: ast.expr) -> Piece:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.FormattedValue():
            return node
    return ast.FormattedValue(value=node, conversion=-1, format_spec=None)


def _template(form: Iterable[Piece]) -> str:
    """The text with its fields named, ``{offers:,} of {total:,}``; a name that comes again gets a number."""
    pieces = list(form)
    if all(isinstance(piece, str) and not FIELD_OF_FORMAT.search(piece) for piece in pieces):
        return "".join(map(str, pieces))
    names: list[str] = []
    text = ""
    for piece in pieces:
        if not isinstance(piece, str):
            name = _name(piece.value)
            names.append(name)
            number = names.count(name)
            text += f"{{{name}{number if number > 1 else ''}{_format_of(piece)}}}"
        elif FIELD_OF_FORMAT.search(piece):
            text += FIELD_OF_FORMAT.sub(lambda field: f"{{{field[1] or 'value'}{field[2] or ''}}}", piece)
        else:
            text += piece.replace("{", "{{").replace("}", "}}")
    return text


def _format_of(field: ast.FormattedValue) -> str:
    conversion = f"!{chr(field.conversion)}" if field.conversion > 0 else ""
    pieces = field.format_spec.values if isinstance(field.format_spec, ast.JoinedStr) else []
    spec = "".join(str(piece.value) for piece in pieces if isinstance(piece, ast.Constant))
    return f"{conversion}:{spec}" if spec else conversion


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.lstrip("_")
        case ast.Call(args=[(ast.Name() | ast.Attribute()) as first, *_]):
            return _name(first)
        case ast.Call(func=ast.Attribute(attr="join"), args=[first, *_]):
            return _name(first)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.BinOp(left=inner) | ast.IfExp(body=inner):
            return _name(inner)
        case ast.BoolOp(values=[inner, *_]) | ast.ListComp(elt=inner) | ast.GeneratorExp(elt=inner):
            return _name(inner)
    return "value"


def _called(node: ast.expr) -> str:
    match node:
        case ast.Call(func=inner):
            return _called(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _is_for_people(text: str, *, alone: bool) -> bool:
    if text in TEXTS:
        return True
    if FIGURE.search(text):
        return True
    words = re.sub(r"\{[^{}]*\}", "\0", text.replace("{{", "").replace("}}", ""))
    is_of_machines = NOT_PROSE.search(words) or text in NOT_TEXTS
    is_command = COMMAND.match(text) and not PROSE_IN_COMMAND.search(text)
    if is_of_machines or is_command or not re.search(r"[a-z]{2}|\ba\b", words):
        return False
    return bool(WORDS.search(words)) or (alone and ONE_WORD.fullmatch(text) is not None)
