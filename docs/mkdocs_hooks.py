"""What MkDocs needs beyond `mkdocs.yml`: the pages of the root, their links fitted, and nothing loaded from outside."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {
    "README.md": "index.md",
    "README.pt-BR.md": "index.pt-BR.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
"""Pages that stand beside `docs/`, and their names in the site."""
LINK_OR_CODE = re.compile(
    r"^ *```.*?^ *```|(?P<code>`[^`\n]*`)|(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)",
    re.DOTALL | re.MULTILINE,
)
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""The elements by which a page makes the browser fetch something, and the attribute that says what."""
OUTSIDE = re.compile(r"(?:[a-z]+:)?//")
CSS_LOADS = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


def on_config(config: MkDocsConfig) -> None:
    """Headings get the addresses that they have in the repository."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages of the root."""
    for name, inside in ROOT_PAGES.items():
        files.append(File.generated(config, inside, content=(ROOT / name).read_text("utf-8")))


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Fit what the repository's reader takes otherwise.

    A page of the root lies elsewhere here; a file of the code is no page and stays a name that tells its path; a bar
    in a table's code needs no backslash.
    """
    here = PurePosixPath(page.file.src_uri).parent
    source = {inside: name for name, inside in ROOT_PAGES.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def fitted(found: re.Match[str]) -> str:
        target = found["target"]
        if found["code"]:
            return found[0].replace(r"\|", "|")
        if target is None or "://" in target or target.startswith(("#", "mailto:")):
            return found[0]
        path, mark, anchor = target.partition("#")
        wanted = posixpath.normpath(PurePosixPath(source).parent / path)
        inside = ROOT_PAGES.get(wanted, wanted.removeprefix("docs/"))
        if inside == wanted and (ROOT / wanted).exists():
            return f'<span title="{wanted}">{found["text"]}</span>'
        return f"{found['image']}[{found['text']}]({posixpath.relpath(inside, here)}{mark}{anchor})"

    return LINK_OR_CODE.sub(fitted, markdown)


class _Loads(HTMLParser):
    """Gathers what a browser would load from elsewhere to show a page; where a link leads is the reader's affair."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADS.get(tag, "")) or ""
        if OUTSIDE.match(address):
            self.outside.append(address)


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from outside when it is read."""
    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix == ".html":
            page = _Loads()
            page.feed(path.read_text("utf-8"))
            outside = page.outside
        elif path.suffix in {".css", ".svg"}:
            outside = CSS_LOADS.findall(path.read_text("utf-8"))
        else:
            continue
        if outside:
            raise PluginError(f"{path.relative_to(config.site_dir)} loads {', '.join(outside)}")
