"""The demo, as a newcomer meets it: on a terminal, and for a program."""

from __future__ import annotations

from pathlib import Path

from acceptance.program import Program
from acceptance.terminal import Terminal


def test_the_demo_names_each_command_moves_and_ends_with_commands_for_the_real_site(offers: Program) -> None:
    with Terminal(offers, "demo", "--offers", "12", rows=50, columns=120) as terminal:
        terminal.wait_for(" of 12 ")  # the worker's screen
        assert terminal.end() == 0, terminal.screen
    lines = [line for line in terminal.text.splitlines() if line.startswith(("$ offers ", "# "))]
    assert [line.split()[2] for line in lines if line.startswith("$")][:3] == ["session", "scrape", "worker"]
    shown = terminal.text
    assert shown.index("$ offers list") < shown.index("12 of 12 offers") < shown.index("$ offers show")
    assert "/sec/" in shown, "the account made a link"
    assert "  offers scrape ofertas --pages 2" in shown[shown.index("Now the real site") :]
    assert not offers.home.exists(), "nothing but its own folder was touched"


def test_the_demo_s_document_holds_every_step_and_the_links(offers: Program, tmp_path: Path) -> None:
    offers.env["TMPDIR"] = str(tmp_path)
    result = offers.json("demo", "--offers", "40")
    assert (result.code, result.document["errors"]) == (0, []), "the shop's troubles are part of the show"
    steps = [step["command"] for step in result.data["steps"]]
    broken = next(step for step in steps if step.startswith("offers explain "))
    assert steps.index(broken) < steps.index("offers requeue-failed") < steps.index("offers stats")
    by_name = {step["command"].split()[1]: step["data"] for step in result.data["steps"]}
    assert by_name["requeue-failed"]["requeued"] == 1
    assert (by_name["worker"]["succeeded"], by_name["worker"]["failed"]) == (1, 0), "its page is read when it is mended"
    assert by_name["stats"]["needing"]["any"] == 0
    offers_with_links = [offer for offer in result.data["offers"] if offer["affiliate_link"]]
    assert offers_with_links
    assert all(offer["commission_pct"] for offer in result.data["offers"])
    assert list(tmp_path.iterdir()) == [], "the folder is removed"
