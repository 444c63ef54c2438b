"""Several worker processes: what each does not do again that one has done for all."""

from __future__ import annotations

import json
import subprocess
import sys

from acceptance.program import Program, at_shop
from shop import Shop
from waiting import NEVER_S

WORK = """
import json, sys, threading
from importlib import import_module
from offers_cli.worker import PRELOAD
for name in (*PRELOAD, "offers_cli.storage.sqlite.storage"):
    import_module(name)
before, threads = set(sys.modules), threading.active_count()

from offers_cli.config import get_config
from offers_cli.runtime import open_runtime
from offers_cli.worker import WorkOptions, work
with open_runtime(get_config()) as runtime:
    done = work(runtime, WorkOptions(burst=True)).succeeded
files = {name: getattr(sys.modules[name], "__file__", None) or "" for name in sys.modules.keys() - before}
late = sorted(name for name, file in files.items() if "offers_cli" in file or "site-packages" in file)
print(json.dumps({"done": done, "threads": threads, "late": late}))
"""


def test_sixteen_processes_do_not_import_what_one_has_imported_for_them(offers: Program, calm_shop: Shop) -> None:
    """A page needs nothing that is not there before the first fork; and what was imported began no thread."""
    at_shop(offers, calm_shop)
    assert offers("scrape", "ofertas").code == 0
    command, env = [sys.executable, "-c", WORK], offers.environment()
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=NEVER_S, check=False)
    found = json.loads(ran.stdout)
    assert found["done"] > 0
    assert found["late"] == []
    assert found["threads"] == 1
