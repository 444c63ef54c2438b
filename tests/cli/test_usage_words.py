"""A wrong command line is answered in words: what was written, what is expected, and the command that was meant."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from offers_cli.cli.main import main


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["login"], "'login' is not a command", "offers session import FILE"),
        (["version"], "'version' is not a command", "offers --version"),
        (["-V"], "there is no option -V", "offers --version"),
        (["config", "list"], "'config list' is not a command", "offers config show"),
        (["nonsense"], "'nonsense' is not a command", "offers --help"),
        (["links", "xyz"], "'links xyz' is not a command", "offers links --help"),
        (["scarpe", "ofertas"], "'scarpe' is not a command; did you mean 'scrape'?", "offers scrape ofertas"),
        (["db", "migrat"], "'db migrat' is not a command; did you mean 'migrate'?", "offers db migrate"),
        (["-v", "stats"], "-v stands behind the command", "offers stats -v"),
        (["list", "fone"], "'fone' is one argument too many for offers list", "offers list --search fone"),
        (["doctor", "x"], "'x' is one argument too many for offers doctor", "offers doctor --help"),
        (["requeue-failed", "--all"], "there is no option --all", "offers requeue-failed"),
        (["list", "--limti=3"], "there is no option --limti; did you mean --limit?", "offers list --limit=3"),
        (["scrape", "-p", "2"], "there is no option -p; did you mean --pages?", "offers scrape --pages 2"),
        (["list", "--sort"], "--sort has no value", "offers list --help"),
        (["list", "--sort", "-discont"], "cannot sort by '-discont', only by last_seen, first_", "--sort -discount"),
        (["show"], "offers show needs ID", "offers show MLB"),
        (["service"], "offers service needs KIND: one of systemd, supervisor, compose", "offers service systemd"),
        (["service", "SYSTEMD"], "KIND 'SYSTEMD' is not one of systemd, supervisor", "offers service systemd"),
        (["list", "--missing", "old_price"], "--missing 'old_price' is not one of old-price", "--missing old-price"),
        (
            ["list", "--missing", "discount,old-price"],
            "--missing 'discount,old-price' is not one of",
            "--missing discount --missing old-price",
        ),
        (["list", "--min-discount", "40%"], "'40%' is not a whole number from 0 to 100", "--min-discount 40"),
        (["list", "--min-discount", "abc"], "'abc' is not a whole number from 0 to 100", "offers list --help"),
        (["list", "--limit", "9" * 24], "is not a whole number from 1 to", "offers list --help"),
        (["stats", "--interval", "0"], "--interval '0' is not a number from 0.1 to 3600", "offers stats --help"),
        (["failed", "--reason", "PAGE_CHAGNED"], "'page_chagned' is not a failure code", "--reason page_changed"),
        (["failed", "--reason", "zzz"], "'zzz' is not a failure code", "offers help failure-codes"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_told_in_words(
    anywhere: pytest.MonkeyPatch, words: Sequence[str], said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert said in first
    assert first.endswith("(usage)")
    assert second.startswith(f"  try: {hint}")
    assert not any(jargon in captured.err for jargon in ("Value error", "Input should", "Invalid", "argument(s)"))
