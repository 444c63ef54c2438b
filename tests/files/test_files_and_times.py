"""Files that appear whole, and moments in one form."""

import json
import os
import shlex
import stat
import sys
from datetime import UTC, datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offers_cli.files import open_atomic, write_atomic
from offers_cli.installation import extra_command, find_source
from offers_cli.times import iso_utc, to_utc, utc_now

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_a_file_is_private_and_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_ctrl_c_as_soon_as_the_new_file_is_there_leaves_the_old_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, really_open = tmp_path / "file", os.open
    path.write_text("old")

    def interrupted(*arguments: Any) -> int:
        os.close(really_open(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr("offers_cli.files.os.open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    monkeypatch.undo()
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(path, "old")]


def test_until_it_is_whole_the_old_one_stands(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted() -> None:
        with open_atomic(path) as file:
            file.write(b"half of the n")
            file.flush()
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_what_it_leads_to_left_alone(tmp_path: Path) -> None:
    path, planted = tmp_path / "file", tmp_path / "planted"
    planted.write_text("another's")
    path.symlink_to(planted)
    write_atomic(path, b"ours")
    assert (path.is_symlink(), path.read_text(), planted.read_text()) == (False, "ours", "another's")


@pytest.mark.parametrize("name", ["n" * 255, "\N{MONEY BAG}" * 63])
def test_the_longest_name_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_atomic(path, b"")
    assert path.exists()


@pytest.mark.parametrize(("durable", "synced"), [(True, 1), (False, 0)])
def test_a_durable_file_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, synced: int
) -> None:
    path, seen = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((os.fstat(file).st_size, path.exists())))
    write_atomic(path, b"12345", durable=durable)
    assert seen == [(5, False)] * synced


@pytest.mark.parametrize(
    ("moment", "timespec", "text"),
    [
        (AT, "auto", "2026-03-04T05:06:07Z"),
        (AT.replace(microsecond=80), "auto", "2026-03-04T05:06:07.000080Z"),
        (AT.replace(microsecond=999_999), "seconds", "2026-03-04T05:06:07Z"),
        (AT, "microseconds", "2026-03-04T05:06:07.000000Z"),
        (datetime(2026, 3, 4, 2, 6, 7, tzinfo=timezone(timedelta(hours=-3))), "auto", "2026-03-04T05:06:07Z"),
        (datetime.max.replace(tzinfo=UTC), "auto", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_written_in_utc(moment: datetime, timespec: str, text: str) -> None:
    assert iso_utc(moment, timespec=timespec) == text
    assert datetime.fromisoformat(text).tzinfo == UTC


def test_a_time_without_zone_is_refused() -> None:
    for refuse in (to_utc, iso_utc):
        with pytest.raises(ValueError, match="without zone: 2026-03-04T05:06:07"):
            refuse(AT.replace(tzinfo=None))


def test_now_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize("made", ["checkout", "wheel", "gone", "index"])
def test_an_extra_comes_from_where_the_program_came_from(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from an index by its name alone, which anybody may have taken."""
    place = tmp_path / "a b" / ("offers-0.1.0-py3-none-any.whl" if made == "wheel" else "offers")
    place.parent.mkdir()
    if made == "wheel":
        place.touch()
    elif made == "checkout":
        place.mkdir()
    noted = None if made == "index" else json.dumps({"url": place.as_uri()})
    monkeypatch.setattr(metadata, "distribution", lambda _name: SimpleNamespace(read_text=lambda _file: noted))
    if made in ("checkout", "wheel"):
        assert find_source() == place
        assert shlex.split(extra_command("xlsx")) == [sys.executable, "-m", "pip", "install", f"{place}[xlsx]"]
    else:
        assert find_source() is None
        assert extra_command("xlsx") == "pip install '.[xlsx]' in the checkout of offers"
