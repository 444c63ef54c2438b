"""What a short command does without, so that it costs little: modules for others, and the garbage collector."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from acceptance.program import Program
from waiting import NEVER_S

RUN = """
import atexit, gc, json, sys
from offers_cli.__main__ import run

looked_through = [0]

def note(phase, info):
    if phase == "start":
        looked_through.append(len(gc.get_objects()))

def tell():
    found = {"modules": [*sys.modules], "looked_through": max(looked_through), "left": len(gc.get_objects())}
    print(json.dumps(found), file=sys.stderr)

gc.callbacks.append(note)
atexit.register(tell)
run()
"""
FOR_OTHERS = {
    *("pydantic", "rich", "structlog", "supabase", "rq"),
    *("httpx", "httpcore", "h11", "selectolax", "protego", "tenacity", "multiprocessing"),
    *("offers_cli.marketplaces", "offers_cli.affiliate.session", "offers_cli.affiliate.account"),
    *("offers_cli.fetch.client", "offers_cli.fetch.guard", "offers_cli.fetch.response", "offers_cli.fetch.snapshots"),
    *("offers_cli.services.pages", "offers_cli.services.enrich", "offers_cli.services.lookup", "offers_cli.deals"),
}
FEW = 20_000
"""Objects, of the 70,000 and more that are loaded."""
FOR_STATS = {"offers_cli.services.failed", "offers_cli.services.alerts", "offers_cli.alerts", "offers_cli.cli.stats"}


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (["stats", "--json"], FOR_OTHERS),
        (["worker", "--burst"], FOR_OTHERS | FOR_STATS),  # it reads no page, and nothing failed
    ],
)
def test_a_short_command_loads_what_it_uses_and_looks_for_no_garbage(
    offers: Program, words: Sequence[str], without: set[str]
) -> None:
    """What is imported stays: looking through it, again at the end of the interpreter, was a quarter of the time."""
    assert offers("db", "migrate").code == 0
    command = [sys.executable, "-c", RUN, *words]
    ran = subprocess.run(command, env=offers.environment(), capture_output=True, text=True, timeout=NEVER_S, check=True)
    found = json.loads(ran.stderr.splitlines()[-1])
    assert sorted(without.intersection(found["modules"])) == []
    assert "offers_cli.storage.sqlite.storage" in found["modules"]
    assert max(found["looked_through"], found["left"]) < FEW
