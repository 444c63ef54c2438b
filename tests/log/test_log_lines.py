"""Log lines: tags, JSON form, no queries, no escape codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys

from offers_cli.log import configure_logging, get_log


def lines(*, verbosity: int, json_lines: bool) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(verbosity=verbosity, json_lines=json_lines, stream=lambda: stream)
    return stream


def test_text_lines_carry_their_tag_and_figures() -> None:
    stream = lines(verbosity=0, json_lines=False)
    get_log("scrape").info("page saved", new=3, gone=None, url="https://u:pw@x.example/a?token=1#f")
    get_log("worker").warning("host paused", seconds=2)
    assert stream.getvalue() == (
        "[scrape] page saved new=3 url=https://x.example/a\n[worker] warning: host paused seconds=2\n"
    )


def test_text_lines_are_told_in_the_language_that_is_spoken_and_json_lines_never(in_portuguese: None) -> None:
    told = []
    for json_lines in (False, True):
        stream = lines(verbosity=0, json_lines=json_lines)
        get_log("worker").warning("waiting for the database", reason="permission denied", title="permission denied")
        told.append(stream.getvalue())
    text, event = told
    assert text == "[worker] warning: esperando o banco de dados reason=permissão negada title=permission denied\n"
    assert json.loads(event)["message"] == "waiting for the database"
    assert json.loads(event)["reason"] == "permission denied"


def test_a_figure_that_is_no_text_stops_no_line(in_portuguese: None) -> None:
    stream = lines(verbosity=0, json_lines=False)
    get_log("worker").warning("stopping", reason=OSError(28, "no space"))
    assert "no space" in stream.getvalue()


def test_json_lines_have_the_fixed_keys() -> None:
    stream = lines(verbosity=0, json_lines=True)
    get_log("enrichment_job").info("done", job_id="enrich-1", price_cents=100)
    event = json.loads(stream.getvalue())
    assert set(event) == {"time", "level", "tag", "message", "offer_id", "job_id", "url", "price_cents"}
    assert event["tag"] == "enrichment_job"
    assert event["time"].endswith("Z")


def test_quiet_tells_errors_only_and_verbose_everything() -> None:
    for verbosity, expected in ((-1, ["e"]), (0, ["i", "e"]), (1, ["d", "i", "e"])):
        stream = lines(verbosity=verbosity, json_lines=True)
        log = get_log("queue")
        log.debug("d")
        log.info("i")
        log.error("e")
        assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == expected


def test_hostile_text_stays_on_one_line_without_escape_codes() -> None:
    stream = lines(verbosity=0, json_lines=False)
    get_log("scrape").info("title\n[scrape] forged", title="\x1b[31mred")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_a_closed_stderr_stops_nothing() -> None:
    stream = lines(verbosity=0, json_lines=False)
    stream.close()
    get_log("scrape").info("still working")


def test_it_is_silent_until_it_is_configured() -> None:
    """A program that uses the package prints nothing of ours that it did not ask for."""
    script = "from offers_cli.log import get_log; get_log('storage').warning('waiting for the database')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
