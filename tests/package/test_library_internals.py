"""What is used of libraries beside their public ways: a new version that moves it is known here by name.

`nox -s minimums` runs this with the oldest versions allowed, the locks with the newest.
"""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpcore
import pytest
from selectolax.lexbor import LexborHTMLParser
from typer.core import TyperGroup

from offers_cli.cli.commands import SUMMARIES, CommandGroup
from offers_cli.cli.main import main
from offers_cli.fetch.transport import end_exchange
from offers_cli.marketplaces.tree import Tree


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def test_typer_takes_commands_that_are_built_when_asked_for() -> None:
    assert issubclass(CommandGroup, TyperGroup)
    code = "import sys; from offers_cli.cli.main import main; main(['--help']); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in SUMMARIES)
    assert "offers_cli.cli.scrape" not in done.stdout.rpartition("loaded")[2].split()


def test_typer_says_by_its_class_that_a_group_was_called_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session"]) == 2
    assert "import" in capsys.readouterr().err


def test_httpcore_shows_which_bytes_came_behind_an_answer() -> None:
    """Without it every connection would be closed instead of used again."""
    server = HTTPServer(("127.0.0.1", 0), Hello)
    thread = Thread(target=server.handle_request)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with httpcore.ConnectionPool() as pool:
        response = pool.handle_request(httpcore.Request("GET", url, headers={"Host": "shop"}))
        response.read()
        assert response.stream._stream._connection._h11_state.trailing_data == (b"", False)  # type: ignore[union-attr]
        end_exchange(response)
        assert [connection.is_idle() for connection in pool.connections] == [True]
    thread.join()
    server.server_close()


def test_selectolax_names_nodes_and_kinds() -> None:
    node = LexborHTMLParser("<p><b>x</b></p>").css_first("b")
    assert node is not None
    assert node.parent is not None
    assert node.parent.css_first("b").mem_id == node.mem_id  # type: ignore[union-attr]
    assert node.is_element_node


def test_selectolax_gives_nodes_the_tree_that_they_are_of() -> None:
    """A tree of our own, which counts what is done with it."""
    tree = Tree(b"<p><b>x</b></p>", nodes=2)
    found = tree.css("p")[0].css("b")
    around = [node for node in (found[0].parent, *found, *found[0].iter(include_text=True)) if node is not None]
    assert [node.parser for node in around] == [tree] * 3


def test_selectolax_makes_no_mirrors_of_chosen_options() -> None:
    """With them, a page of options takes time that grows with their square."""
    tree = Tree(b"<select><selectedcontent></selectedcontent><option>x</select>", nodes=3)
    assert tree.css("selectedcontent")[0].text() == ""


def test_waitress_lets_its_connections_be_watched() -> None:
    """Which ones there are, what they wait for, and where it looks after them about every second."""
    server = pytest.importorskip("waitress.server")
    from waitress.channel import HTTPChannel
    from waitress.task import ErrorTask

    assert server.TcpWSGIServer.channel_class is HTTPChannel
    assert {"maintenance", "handle_accept"} <= set(dir(server.TcpWSGIServer))
    assert HTTPChannel.error_task_class is ErrorTask
    sources = [Path(sys.modules[name].__file__ or "").read_text() for name in ("waitress.server", "waitress.channel")]
    for used in ("self.active_channels", "self.maintenance(now)", "self.will_close", "self.requests", "def service("):
        assert any(used in source for source in sources), used
