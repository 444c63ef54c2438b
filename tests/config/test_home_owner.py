"""Nothing is created in somebody else's home, and a home that cannot be entered is an error with its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offers_cli.config import check_home, examine_config, load_config
from offers_cli.errors import ConfigError
from offers_cli.services.doctor.machine import look_at_home
from offers_cli.services.sources import parse_source


@contextmanager
def a_stranger() -> Iterator[None]:
    """Be somebody whom file modes keep out, as root is not."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("uid", [0, 54321])
def test_a_home_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "getuid", lambda: uid if os.geteuid() != uid else uid + 1)
    with pytest.raises(ConfigError, match=r"belongs to .*, and you are") as caught:
        check_home(tmp_path)
    assert "sudo -u" in caught.value.hint


def test_root_creates_no_home_in_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 54321, -1)
    with pytest.raises(ConfigError, match=f"{tmp_path} belongs to #54321, and you are root"):
        check_home(tmp_path / "not" / "yet")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    check_home(Path("/var/lib/not-yet"))


def test_ones_own_home_is_fine(tmp_path: Path) -> None:
    check_home(tmp_path)
    check_home(tmp_path / "not" / "yet")


def test_a_home_that_cannot_be_entered_is_a_problem_with_its_name(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0)
    with a_stranger():
        _, problems = examine_config({"OFFERS_HOME": str(home)}, Path("/"))
        assert problems == (f"OFFERS_HOME {home} cannot be entered: it is not yours",)
        with pytest.raises(ConfigError, match="cannot be entered"):
            load_config({"OFFERS_HOME": str(home)}, Path("/"))
        assert look_at_home(home / "deeper")[0].state == "problem"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_home_that_others_can_write_to_is_refused_with_what_mends_it(tmp_path: Path, mode: int) -> None:
    """They could put a database, a socket or settings of theirs into it."""
    tmp_path.chmod(mode)
    with pytest.raises(ConfigError, match=f"{tmp_path} can be written to by everybody") as caught:
        check_home(tmp_path)
    assert caught.value.hint == f"chmod go-w {tmp_path}"
    assert look_at_home(tmp_path)[0].advice == f"chmod go-w {tmp_path}"
    tmp_path.chmod(0o755)
    check_home(tmp_path)


def test_a_saved_page_in_a_folder_that_cannot_be_entered_is_a_file_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with a_stranger():
        assert parse_source(f"{tmp_path}/closed/page.html").kind == "file"
