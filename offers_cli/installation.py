"""Where this program was installed from, which is where its extras come from too."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit


def find_source() -> Path | None:
    """The checkout or archive that this program was installed from, as its installer noted it (PEP 610).

    None where that is no longer there, or was none: then it came from an index, where anybody may own its name.
    """
    from importlib import metadata

    try:
        noted = metadata.distribution("offers").read_text("direct_url.json")
        url = urlsplit(json.loads(noted or "{}").get("url", ""))
    except (metadata.PackageNotFoundError, ValueError):
        return None
    path = Path(unquote(url.path))
    return path if url.scheme == "file" and path.exists() else None


def extra_command(extra: str) -> str:
    """The command that installs an extra, from where the program itself came from."""
    source = find_source()
    if source is None:
        return f"pip install '.[{extra}]' in the checkout of offers"
    return shlex.join([sys.executable, "-m", "pip", "install", f"{source}[{extra}]"])
