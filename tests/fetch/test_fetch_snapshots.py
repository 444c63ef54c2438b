"""Kept pages: whole, found again, bounded, private, and never a reason for a job to fail."""

from __future__ import annotations

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from offers_cli.errors import NotFound
from offers_cli.fetch.response import Page
from offers_cli.fetch.snapshots import Snapshots

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def page(text: str = "<html>página</html>", *, at: datetime = NOW, url: str = "https://shop.test/p?x=1") -> Page:
    return Page(url=url, final_url=f"{url}#f", status=200, body=text.encode(), encoding="utf-8", fetched_at=at)


def snapshots(folder: Path, **options: Any) -> Snapshots:
    return Snapshots(folder / "snapshots", **{"mode": "all", "clock": NOW.timestamp, **options})


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def noise(size: int) -> str:
    return os.urandom(size // 2).hex()


def test_a_kept_page_is_read_back_with_all_that_is_known(tmp_path: Path) -> None:
    kept = snapshots(tmp_path)
    name = kept.keep(page(), offer_id="11-22", code="page_changed")
    assert name is not None
    text, about = kept.read(name)
    assert text == "<html>página</html>"
    assert (about.url, about.final_url) == ("https://shop.test/p?x=1", "https://shop.test/p?x=1#f")
    assert (about.status, about.offer_id, about.code, about.fetched_at) == (200, "11-22", "page_changed", NOW)
    assert kept.find("11-22") == about


@pytest.mark.parametrize(
    ("mode", "kept"), [("off", [False, False]), ("failures", [True, False]), ("all", [True, True])]
)
def test_the_mode_says_what_is_kept(mode: str, kept: list[bool], tmp_path: Path) -> None:
    keeper = snapshots(tmp_path, mode=mode)
    assert [keeper.keep(page(), offer_id="1", code=code) is not None for code in ("page_changed", None)] == kept
    assert bool(files(tmp_path)) == any(kept)


def test_the_same_page_is_stored_once(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    for minute in range(5):
        keeper.keep(page(at=NOW + timedelta(minutes=minute)), offer_id="1", code="bug")
    assert len(list(tmp_path.rglob("*.gz"))) == 1
    assert len(list(keeper.iterate())) == 5


def test_the_newest_of_an_offer_is_found_and_codes_are_told_apart(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    for minute, (offer_id, code) in enumerate(
        [("a", "bug"), ("a", "not_html"), ("b", "bug"), (None, "bug"), ("a", None)]
    ):
        keeper.keep(page(f"<p>{minute}", at=NOW + timedelta(minutes=minute)), offer_id=offer_id, code=code)
    newest = keeper.find("a")
    assert newest is not None
    assert keeper.read(newest.id)[0] == "<p>4"
    assert [about.offer_id for about in keeper.iterate("bug")] == ["a", "b", None]
    assert [about.code for about in keeper.iterate()] == ["bug", "not_html", "bug", "bug", None]
    assert keeper.find("c") is None
    assert keeper.find("") is None or keeper.find("") is not newest


def test_offer_ids_that_are_no_file_names_stay_in_the_folder(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    name = keeper.keep(page(), offer_id="../../etc/passwd\0", code="../x")
    assert name is not None
    assert keeper.read(name)[1].offer_id == "../../etc/passwd\0"
    assert all((tmp_path / "snapshots") in path.parents for path in files(tmp_path))
    for odd in ("../kept/" + name, "", ".", "..", "nothing"):
        with pytest.raises(NotFound):
            keeper.read(odd)


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    snapshots(tmp_path).keep(page(), offer_id="1", code="bug")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_tokens_of_a_session_are_not_kept(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    text = '<meta name="csrf-token" content="t0ken"><script>{"csrfToken":"t0ken","price":1}</script>'
    name = keeper.keep(page(text), offer_id="1", code="bug")
    assert name is not None
    assert keeper.read(name)[0] == text.replace("t0ken", "")


def test_the_oldest_go_when_the_room_is_full(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path, max_bytes=400_000)
    for minute in range(40):
        keeper.keep(page(noise(40_000), at=NOW + timedelta(minutes=minute)), offer_id=str(minute), code="bug")
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.gz")) < 450_000
    left = [about.offer_id for about in keeper.iterate()]
    assert left == [str(minute) for minute in range(40 - len(left), 40)]
    assert len(left) >= 10


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path, max_age_s=86400)
    for days in (3, 2, 0):
        keeper.keep(page(f"<p>{days}", at=NOW - timedelta(days=days)), offer_id=str(days), code="bug")
    keeper.prune()
    assert [about.offer_id for about in keeper.iterate()] == ["0"]
    assert len(list(tmp_path.rglob("*.gz"))) == 1


def test_a_page_shared_by_an_old_and_a_new_snapshot_stays(tmp_path: Path) -> None:
    snapshots(tmp_path).keep(page(at=NOW - timedelta(days=3)), offer_id="1", code="bug")
    keeper = snapshots(tmp_path)
    name = keeper.keep(page(), offer_id="1", code="bug")
    assert name is not None
    assert snapshots(tmp_path, max_age_s=86400).prune() == 1
    assert keeper.read(name)[0] == "<html>página</html>"


def test_unfinished_files_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    keeper.keep(page(), offer_id="1", code="bug")
    folder = tmp_path / "snapshots"
    old, fresh = folder / "pages" / "old.tmp", folder / "kept" / "fresh.tmp"
    for path, age_s in ((old, 7200), (fresh, 10)):
        path.write_bytes(b"x")
        os.utime(path, (NOW.timestamp() - age_s, NOW.timestamp() - age_s))
    keeper.prune()
    assert not old.exists()
    assert fresh.exists()


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_page_is_said_to_be_damaged(damage: bytes | None, tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    name = keeper.keep(page(), offer_id="1", code="bug")
    assert name is not None
    (stored,) = tmp_path.rglob("*.gz")
    stored.unlink() if damage is None else stored.write_bytes(damage)
    with pytest.raises(NotFound, match="damaged"):
        keeper.read(name)


def test_foreign_files_in_the_folder_do_no_harm(tmp_path: Path) -> None:
    keeper = snapshots(tmp_path)
    keeper.keep(page(), offer_id="1", code="bug")
    kept = tmp_path / "snapshots" / "kept"
    (kept / "zz_1_bug_x.json").write_text("[]")
    (kept / "zz_1_bug_y.json").write_text('{"fetched_at": 3}')
    (kept / "notes.json").mkdir()
    assert [about.offer_id for about in keeper.iterate()] == ["1"]
    found = keeper.find("1")
    assert found is not None
    keeper.prune()


def test_a_disk_that_refuses_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "snapshots").write_text("a file where the folder should be")
    logger = logging.getLogger("offers_cli")
    propagate, logger.propagate = logger.propagate, True
    try:
        assert snapshots(tmp_path).keep(page(), offer_id="1", code="bug") is None
    finally:
        logger.propagate = propagate
    assert "page not kept" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def on_full_disk(path: Any, *args: Any, **options: Any) -> int:
        handle = real(path, *args, **options)
        if not str(path).endswith(".tmp"):
            return handle
        os.close(handle)
        return real("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", on_full_disk)
    assert snapshots(tmp_path).keep(page(noise(99_999)), offer_id="1", code="bug") is None
    assert files(tmp_path) == []


@pytest.mark.slow
def test_threads_keep_and_prune_at_once(tmp_path: Path) -> None:
    keepers = [snapshots(tmp_path, max_bytes=200_000) for _ in range(4)]

    def work(number: int) -> str | None:
        at = NOW + timedelta(seconds=number)
        return keepers[number % 4].keep(page(noise(5_000), at=at), offer_id=str(number), code="bug")

    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(work, range(300)))
    assert all(names)
    assert list(tmp_path.rglob("*.tmp")) == []
    newest = keepers[0].find("299")
    assert newest is not None
    assert keepers[0].read(newest.id)[1].offer_id == "299"
