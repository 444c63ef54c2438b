"""Files of settings: one that others can have written is not obeyed and said so once; none can hang or break a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offers_cli.cli.completion import complete_offer
from offers_cli.cli.main import main
from offers_cli.config import Config, examine_config, get_config, load_config, owners
from offers_cli.services.config import show_config
from offers_cli.services.doctor.machine import look_at_settings

STRANGER = 54321
TEXTS = {".env": "MIN_DISCOUNT_PCT=7\n", "offers.toml": "min_discount_pct = 7\n"}

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")


def examine(folder: Path, **environ: str) -> tuple[Config, tuple[str, ...]]:
    return examine_config({"OFFERS_HOME": str(folder / "home"), **environ}, folder)


def notices(config: Config, kind: str) -> list[str]:
    return [notice.message for notice in config.notices if notice.kind == kind]


@pytest.fixture(params=[(place, name) for place in (".", "home") for name in TEXTS], ids="/".join)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of settings, in the working directory or in the home."""
    place, name = request.param
    path = tmp_path.joinpath(place, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXTS[name])
    return path


def give_away(path: Path) -> None:
    os.chown(path, STRANGER, -1, follow_symlinks=False)


def link_to(path: Path, mode: int) -> None:
    target = path.with_name("target")
    path.rename(target)
    target.chmod(mode)
    path.symlink_to(target)


def link_to_a_stranger(path: Path) -> None:
    link_to(path, 0o600)
    give_away(path.with_name("target"))


def share_with_a_group(path: Path) -> None:
    os.chown(path, -1, STRANGER)
    path.chmod(0o660)


def link_of_a_stranger(path: Path) -> None:
    link_to(path, 0o600)
    path.parent.chmod(0o1777)
    give_away(path)


OBEYED: dict[str, Callable[[Path], object]] = {
    "ours": lambda _: None,
    "for all to read": lambda path: path.chmod(0o644),
    "in a sticky folder": lambda path: path.parent.chmod(0o1777),
    "a link to ours": lambda path: link_to(path, 0o600),
}
REFUSED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "for all to write": (lambda path: path.chmod(0o606), "it can be written to by everybody", "chmod go-w {path}"),
    "in a folder for all": (
        lambda path: path.parent.chmod(0o777),
        "its folder can be written to by everybody",
        "chmod go-w {path.parent}",
    ),
    "a link to one for all": (lambda path: link_to(path, 0o666), "it can be written to by everybody", "chmod go-w"),
}
REFUSED_AS_ROOT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "of a stranger": (give_away, "it belongs to #54321", "sudo chown -h root {path}"),
    "in a stranger's folder": (lambda path: give_away(path.parent), "its folder belongs to #54321", "read it"),
    "a link to a stranger's": (
        link_to_a_stranger,
        "it belongs to #54321",
        "sudo chown -h root",
    ),
    "a stranger's link to ours": (link_of_a_stranger, "it belongs to #54321", "sudo chown -h root {path}"),
    "for a group to write": (
        share_with_a_group,
        "it can be written to by the group #54321",
        "chmod go-w {path}",
    ),
}
HIDDEN = [
    *(pytest.param(*case, id=name) for name, case in REFUSED.items()),
    *(pytest.param(*case, id=name, marks=as_root) for name, case in REFUSED_AS_ROOT.items()),
]


@pytest.mark.parametrize("prepare", OBEYED.values(), ids=list(OBEYED))
def test_what_only_we_can_have_written_is_obeyed(tmp_path: Path, file: Path, prepare: Callable[[Path], object]) -> None:
    prepare(file)
    config, problems = examine(tmp_path)
    assert problems == ()
    assert (config.marketplace.min_discount_pct, notices(config, "ignored")) == (7, [])


@pytest.mark.parametrize(("prepare", "reason", "advice"), HIDDEN)
def test_what_others_can_have_written_is_not_obeyed(
    tmp_path: Path, file: Path, prepare: Callable[[Path], object], reason: str, advice: str
) -> None:
    """Neither is it an error: else anybody could stop our commands by a file in a shared folder."""
    prepare(file)
    config, problems = examine(tmp_path)
    assert problems == ()
    assert config.marketplace.min_discount_pct == 0
    assert notices(config, "ignored") == [f"{file} is not obeyed: {reason}"]
    (found,) = look_at_settings(config, problems)
    assert (found.state, found.evidence) == ("warning", f"{file} is not obeyed: {reason}")
    assert advice.format(path=file) in found.advice
    assert show_config(config, problems).data()["notices"] == [
        {"kind": "ignored", "message": found.evidence, "advice": found.advice}
    ]


@pytest.mark.parametrize(("members", "obeyed"), [([], True), (["us"], True), (["us", "them"], False)])
def test_the_private_group_that_systems_give_each_user_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[str], obeyed: bool
) -> None:
    import grp
    import pwd
    from types import SimpleNamespace

    (tmp_path / ".env").write_text(TEXTS[".env"])
    (tmp_path / ".env").chmod(0o664)
    gid = (tmp_path / ".env").stat().st_gid
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name="us", pw_gid=gid))
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="us", gr_mem=members))
    assert (owners.other_writers((tmp_path / ".env").stat()) is None) is obeyed
    assert examine(tmp_path)[0].marketplace.min_discount_pct == (7 if obeyed else 0)


def test_the_opened_file_is_judged_not_what_stood_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the folder and the opening somebody puts another file in its place."""
    (tmp_path / ".env").write_text("")

    def swap_and_open(path: str | Path, flags: int, **rest: int) -> int:
        if path == ".env":
            (tmp_path / "swapped").write_text(TEXTS[".env"])
            (tmp_path / "swapped").chmod(0o666)
            (tmp_path / "swapped").replace(tmp_path / ".env")
        return real(path, flags, **rest)

    real = os.open
    monkeypatch.setattr(os, "open", swap_and_open)
    config, _ = examine(tmp_path)
    assert config.marketplace.min_discount_pct == 0
    assert notices(config, "ignored")


BROKEN: dict[str, Callable[[Path], object]] = {
    "it is not a file": os.mkfifo,
    "it is not a file ": lambda path: path.mkdir(),
    "it is larger than 1024 KiB": lambda path: path.write_bytes(b"#" * (2**20 + 1)),
    "byte 3 is not UTF-8": lambda path: path.write_bytes(b"A=x\xff"),
    "it holds a NUL character": lambda path: path.write_bytes(b"MIN_DISCOUNT_PCT=7\0"),
}


@pytest.mark.parametrize("reason", BROKEN)
@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_no_text_is_an_error_and_no_hang(tmp_path: Path, name: str, reason: str) -> None:
    BROKEN[reason](tmp_path / name)
    assert examine(tmp_path)[1] == (f"{tmp_path / name} cannot be read: {reason.strip()}",)


@as_root
def test_no_stranger_stops_our_commands_by_a_broken_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    os.mkfifo(tmp_path / ".env")
    (tmp_path / "offers.toml").write_bytes(b"\xff")
    give_away(tmp_path / ".env")
    give_away(tmp_path / "offers.toml")
    config, problems = examine(tmp_path)
    assert problems == ()
    assert len(notices(config, "ignored")) == 2


@pytest.mark.parametrize("text", ["[" * 100_000, "a = " + "[" * 100_000, f"min_discount_pct = 0x{'f' * 9000}"])
def test_a_toml_that_is_hard_to_read_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "offers.toml").write_text(text)
    assert examine(tmp_path)[1][0].startswith(f"{tmp_path / 'offers.toml'} cannot be read")


def test_a_working_directory_that_cannot_be_entered_holds_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `sudo -u offers` in a folder of one's own."""

    def refuse(path: str | Path, flags: int, **rest: int) -> int:
        if path == tmp_path:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, **rest)

    real = os.open
    monkeypatch.setattr(os, "open", refuse)
    assert examine(tmp_path)[1] == ()


@pytest.mark.parametrize(
    ("name", "text", "flagged"),
    [
        (".env", "SUPABASE_DB_URL=postgres://u:p@host/db\n", True),
        (".env", "OFFERS_DASHBOARD_TOKEN=a-token-of-24-characters\n", True),
        (".env", "REDIS_URL=redis://host?password=p\n", True),
        ("offers.toml", 'ml_base_url = "https://u:p@host"\n', True),
        (".env", "REDIS_URL=redis://host\nMIN_DISCOUNT_PCT=7\n", False),
        (".env", "OFFERS_DASHBOARD_TOKEN_FILE=/dev/null\n", False),
    ],
)
def test_secrets_that_everybody_can_read_are_flagged(tmp_path: Path, name: str, text: str, flagged: bool) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / name).chmod(0o600)
    assert notices(examine(tmp_path)[0], "exposed") == []
    (tmp_path / name).chmod(0o644)
    config, _ = examine(tmp_path)
    assert bool(notices(config, "exposed")) is flagged
    (found,) = look_at_settings(config, ())
    assert (f"chmod 600 {tmp_path / name}" in found.advice) is flagged


@pytest.fixture
def shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory holds a `.env` that everybody may write to."""
    (tmp_path / ".env").write_text("OFFERS_DB=/elsewhere/offers.db\n")
    (tmp_path / ".env").chmod(0o666)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFERS_HOME", str(tmp_path / "home"))
    get_config.cache_clear()
    yield tmp_path
    get_config.cache_clear()


@pytest.mark.parametrize("options", [[], ["--json"], ["-q"], ["-v"]], ids=" ".join)
def test_a_command_says_once_that_a_file_is_not_obeyed(
    shared_folder: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["list", *options]) == 0
    said = capsys.readouterr().err
    assert said.count("is not obeyed") == 1
    assert f"{shared_folder / '.env'} is not obeyed: it can be written to by everybody" in said
    assert f"chmod go-w {shared_folder / '.env'}" in said


def test_a_tab_says_nothing_and_obeys_nothing(shared_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert complete_offer("") == []
    assert load_config(os.environ, shared_folder).database.sqlite_path == shared_folder / "home" / "offers.db"
    assert capfd.readouterr() == ("", "")


def test_config_show_says_it_too(shared_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("is not obeyed") == 1


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    get_config.cache_clear()
    assert main(["list"]) == 3
