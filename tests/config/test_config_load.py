"""Settings: precedence, origins, refusals, secrets."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from offers_cli.cli.main import main
from offers_cli.config import MASK, SETTINGS, Secret, Setting, examine_config, find_home, get_config, load_config
from offers_cli.errors import ConfigError


def load(tmp_path: Path, **environ: str) -> Any:
    return load_config({"OFFERS_HOME": str(tmp_path / "home"), **environ}, tmp_path)


def test_with_no_settings_everything_is_embedded(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.enrichment.redis_url is None
    assert config.database.sqlite_path == tmp_path / "home" / "offers.db"
    assert config.enrichment.job_timeout_s == 600
    assert config.origins["ENRICHMENT_QUEUE_NAME"].kind == "default"


def test_environment_beats_dotenv_beats_toml_beats_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=20\nENRICHMENT_REQUEST_DELAY_S=2\n")
    (tmp_path / "offers.toml").write_text("min_discount_pct = 10\nenrichment_worker_concurrency = 7\n")
    config = load(tmp_path, ENRICHMENT_REQUEST_DELAY_S="3")
    assert config.enrichment.request_delay_s == 3
    assert config.marketplace.min_discount_pct == 20
    assert config.enrichment.worker_concurrency == 7
    assert [config.origins[n].kind for n in ("ENRICHMENT_REQUEST_DELAY_S", "MIN_DISCOUNT_PCT")] == [
        "environment",
        ".env",
    ]
    assert config.origins["ENRICHMENT_WORKER_CONCURRENCY"].path == tmp_path / "offers.toml"


def test_working_directory_dotenv_beats_the_one_at_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".env").write_text("MIN_DISCOUNT_PCT=30\nML_AFFILIATE_TAG=casa\n")
    (tmp_path / ".env").write_text("MIN_DISCOUNT_PCT=20\n")
    (tmp_path / "offers.toml").write_text('ml_affiliate_tag = "toml"\n')
    config = load(tmp_path)
    assert config.marketplace.min_discount_pct == 20
    assert config.marketplace.affiliate_tag == "casa", "every .env stands above every offers.toml"


def test_all_problems_are_told_at_once_each_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "offers.toml").write_text('redis_ulr = "redis://x"\n')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, ENRICHMENT_REQUEST_DELAY_S="nan", ENRICHMENT_JOB_TIMEOUT="soon", OFFERS_SNAPSHOTS="some")
    message = caught.value.message
    assert "REDIS_ULR" in message
    assert "did you mean REDIS_URL?" in message
    for name in ("ENRICHMENT_REQUEST_DELAY_S", "ENRICHMENT_JOB_TIMEOUT", "OFFERS_SNAPSHOTS"):
        assert f"{name} from environment" in message


def test_jobs_at_once_are_a_number_or_the_word_auto(tmp_path: Path) -> None:
    for text, value in (("auto", "auto"), (" Auto ", "auto"), ("7", 7)):
        settings = load(tmp_path, ENRICHMENT_WORKER_CONCURRENCY=text).enrichment
        assert settings.worker_concurrency == value
    assert load(tmp_path).enrichment.worker_concurrency == "auto"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENRICHMENT_WORKER_CONCURRENCY", "0"),
        ("ENRICHMENT_WORKER_CONCURRENCY", "three"),
        ("ENRICHMENT_REQUEST_DELAY_S", "-1"),
        ("ENRICHMENT_REQUEST_DELAY_S", "inf"),
        ("ENRICHMENT_JOB_TIMEOUT", "10 minutes"),
        ("ENRICHMENT_QUEUE_NAME", "a b"),
        ("MIN_DISCOUNT_PCT", "101"),
        ("ML_BASE_URL", "mercadolivre.com.br"),
        ("ML_BASE_URL", "https://user:pass[::1]"),
        ("REDIS_URL", "redis://user:password[::1]"),
        ("REDIS_URL", "http://localhost"),
        ("OFFERS_ALLOW_PRIVATE_HOSTS", "maybe"),
        ("ML_AFFILIATE_TAG", "Minha Loja"),
        ("OFFERS_DASHBOARD_TOKEN", "x"),
        ("OFFERS_DASHBOARD_TOKEN", "15-characters--"),
    ],
)
def test_a_bad_value_names_its_setting(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(tmp_path, **{name: text})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("MIN_DISCOUNT_PCT", "20%", "'20%' is not a whole number from 0 to 100, such as 20"),
        ("MIN_DISCOUNT_PCT", "101", "'101' is not a whole number from 0 to 100, such as 20"),
        ("ENRICHMENT_REQUEST_DELAY_S", "1,000", "'1,000' is not a number from 0 to 3600, such as 0.5"),
        ("ENRICHMENT_JOB_TIMEOUT", "10 minutos", "'10 minutos' is not a duration, such as 90s, 10m, 1h, 7d or 2w"),
        ("ENRICHMENT_RETRY_DELAY_S", "2h", "'2h' is not from 0s to 1h"),
        ("OFFERS_ALLOW_PRIVATE_HOSTS", "sim", "'sim' is not one of true, false"),
        ("OFFERS_SNAPSHOTS", "some", "'some' is not one of off, failures, all"),
        (
            "ML_AFFILIATE_TAG",
            "Minha Loja",
            "'Minha Loja' is not a label of small letters and digits, such as minhaloja",
        ),
        (
            "ML_BASE_URL",
            "mercadolivre.com.br",
            (
                "'mercadolivre.com.br' is not an address that begins with https:// or http://, "
                "such as https://www.mercadolivre.com.br"
            ),
        ),
        (
            "OFFERS_HTTP_PROXY",
            "proxy:3128",
            "its value is not an address that begins with http:// or https://, such as http://proxy.example:3128",
        ),
    ],
)
def test_a_bad_value_is_refused_in_words_with_what_was_expected_and_an_example(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    _, problems = examine_config({"OFFERS_HOME": str(tmp_path), name: text}, tmp_path)
    assert problems == (f"{name} from environment: {said}",)


def test_a_key_in_the_place_of_an_address_is_not_shown(tmp_path: Path) -> None:
    for key in ("sb_secret_canary", f"eyJ{'cAnArY' * 20}.eyJ{'cAnArY' * 20}.sig"):
        _, (problem,) = examine_config({"OFFERS_HOME": str(tmp_path), "ML_BASE_URL": key}, tmp_path)
        assert "canary" not in problem.lower()


def test_numbers_and_words_are_read_as_people_write_them(tmp_path: Path) -> None:
    config = load(tmp_path, ENRICHMENT_REQUEST_DELAY_S="0,5", OFFERS_SNAPSHOTS="ALL", OFFERS_IGNORE_ROBOTS="True")
    assert (config.fetch.snapshots, config.enrichment.request_delay_s, config.fetch.ignore_robots) == ("all", 0.5, True)


def test_a_file_in_utf_16_says_so(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("MIN_DISCOUNT_PCT=5".encode("utf-16"))
    with pytest.raises(ConfigError, match="it is UTF-16; save it as UTF-8"):
        load(tmp_path)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_is_written_as_it_is_read(setting: Setting) -> None:
    text = setting.written(setting.default)
    assert not text or isinstance(setting.default, Path) or setting.parse(text) == setting.default


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600)])
def test_durations(tmp_path: Path, text: str, seconds: float) -> None:
    assert load(tmp_path, ENRICHMENT_JOB_TIMEOUT=text).enrichment.job_timeout_s == seconds


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret-key\n")
    config = load(tmp_path, SUPABASE_URL="https://x.example", SUPABASE_SERVICE_ROLE_KEY_FILE=str(tmp_path / "key"))
    assert config.database.supabase_key == Secret("s3cret-key")


def test_supabase_key_is_accepted_under_its_short_name(tmp_path: Path) -> None:
    config = load(tmp_path, SUPABASE_URL="https://x.example", SUPABASE_KEY="short")
    assert config.database.supabase_key is not None
    assert config.database.supabase_key.reveal() == "short"


def test_a_url_without_its_key_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SUPABASE_SERVICE_ROLE_KEY"):
        load(tmp_path, SUPABASE_URL="https://x.example")


def test_secrets_show_nowhere_in_config_or_errors(tmp_path: Path) -> None:
    canary = "canary-7f3a"
    config = load(tmp_path, REDIS_URL=f"redis://:{canary}@localhost/0", OFFERS_HTTP_PROXY=f"http://u:{canary}@proxy:1")
    assert canary not in repr(config)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, REDIS_URL=f"rdis://:{canary}@localhost/0", OFFERS_HTTP_PROXY=f"ftp://u:{canary}@proxy:1")
    assert canary not in str(caught.value)


def test_a_secret_in_offers_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "offers.toml").write_text('supabase_service_role_key = "canary-7f3a"\n')
    with pytest.raises(ConfigError, match="does not belong in") as caught:
        load(tmp_path)
    assert "canary-7f3a" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"min_discount_pct = [unclosed"])
def test_an_unreadable_file_is_a_problem_not_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "offers.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"offers\.toml"):
        load(tmp_path)


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, REDIS_URL="").enrichment.redis_url is None


def test_every_setting_has_a_meaning() -> None:
    assert all(setting.doc.endswith(".") for setting in SETTINGS)


@pytest.mark.parametrize(
    ("place", "key", "meant"),
    [
        (".env", "DJANGO_SECRET", None),
        (".env", "REDIS_ULR", None),
        (".env", "OFFERS_DB_PATH", "OFFERS_DB"),
        (".env", "offers_db", "OFFERS_DB"),
        (".env", "ENRICHMENT_QUEUE", "ENRICHMENT_QUEUE_NAME"),
        (".env", "ML_AFILIATE_TAG", "ML_AFFILIATE_TAG"),
        ("home/.env", "DJANGO_SECRET", ""),
        ("home/.env", "REDIS_ULR", "REDIS_URL"),
        ("offers.toml", "redis_ulr", "REDIS_URL"),
        ("home/offers.toml", "zzz", ""),
        ("environment", "OFFERS_SNAPSHOT", "OFFERS_SNAPSHOTS"),
        ("environment", "DJANGO_SECRET", None),
    ],
)
def test_an_unknown_key_that_is_meant_for_us_names_the_nearest(
    tmp_path: Path, place: str, key: str, meant: str | None
) -> None:
    """Other programs' keys in a shared `.env` and in the environment are none of our business."""
    (tmp_path / "home").mkdir()
    environ = {"OFFERS_HOME": str(tmp_path / "home")}
    if place == "environment":
        environ[key] = "x"
    else:
        (tmp_path / place).write_text(f"{key} = '1'\n")
    _, problems = examine_config(environ, tmp_path)
    if meant is None:
        assert problems == ()
        return
    (problem,) = problems
    assert problem.lower().startswith(f"{key.lower()} from {'environment' if place == 'environment' else ''}")
    assert f"no such setting; did you mean {meant}" in problem


def test_lines_of_other_programs_in_a_shared_dotenv_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("export PATH\nset -a\n'\nREDIS_URL\nMIN_DISCOUNT_PCT=5\n")
    config, problems = examine_config({"OFFERS_HOME": str(tmp_path / "home")}, tmp_path)
    assert problems == (f"line 4 of {tmp_path / '.env'} has no =",)
    assert config.marketplace.min_discount_pct == 5


def test_each_problem_is_told_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"OFFERS_HOME": str(tmp_path), "MIN_DISCOUNT_PCT": "x", "OFFERS_SNAPSHOTS": "y"}.items():
        monkeypatch.setenv(name, text)
    get_config.cache_clear()
    assert main(["list"]) == 3
    first, second, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("error: MIN_DISCOUNT_PCT from environment: ")
    assert second.startswith("error: OFFERS_SNAPSHOTS from environment: ")
    assert hint == "  try: offers config show --origin"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://x.supabase.co", True),
        ("http://127.0.0.1:54321", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:1", True),
        ("http://localhost:54321", True),
        ("http://supabase.invalid", False),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://[::ffff:10.0.0.1]", False),
        ("HTTP://supabase.invalid", False),
        ("http://0.0.0.0", False),
        ("http://2130706433", False),
    ],
)
def test_a_key_goes_over_plain_http_to_this_machine_only(tmp_path: Path, url: str, allowed: bool) -> None:
    _, problems = examine_config({"OFFERS_HOME": str(tmp_path), "SUPABASE_URL": url, "SUPABASE_KEY": "k"}, tmp_path)
    told = [problem for problem in problems if problem.startswith("SUPABASE_URL from environment: ")]
    assert (told == []) is allowed
    assert all("plain http" in problem for problem in told)


@pytest.mark.parametrize("name", [".env", "offers.toml"])
def test_an_address_of_the_working_directory_never_gets_a_key_from_elsewhere(tmp_path: Path, name: str) -> None:
    """Whoever has a folder cloned or unpacked must not hand its key to that folder's server."""
    (tmp_path / name).write_text("SUPABASE_URL = 'https://evil.example'\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, SUPABASE_SERVICE_ROLE_KEY="canary")
    assert f"SUPABASE_URL from {name} ({tmp_path / name})" in caught.value.message
    assert "SUPABASE_SERVICE_ROLE_KEY from environment" in caught.value.message
    assert "canary" not in caught.value.message


def test_address_and_key_from_one_place_are_fine_and_from_two_are_told(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".env").write_text("SUPABASE_KEY=k\n")
    (tmp_path / "home" / ".env").chmod(0o600)
    told = [notice.message for notice in load(tmp_path, SUPABASE_URL="https://x.example").notices]
    assert told == [
        f"SUPABASE_URL is from environment, SUPABASE_SERVICE_ROLE_KEY from .env ({tmp_path / 'home' / '.env'})"
    ]
    assert load(tmp_path, SUPABASE_URL="https://x.example", SUPABASE_KEY="k").notices == ()
    (tmp_path / ".env").write_text("SUPABASE_URL=https://x.example\nSUPABASE_KEY_FILE=/dev/fd/0\nSUPABASE_KEY=k\n")
    assert load(tmp_path).database.supabase_url == "https://x.example"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("OFFERS_DB=/x/offers.db", "OFFERS_DB"),
        ("REDIS_URL=redis://x", "REDIS_URL"),
        ("ENRICHMENT_QUEUE_NAME=q", "ENRICHMENT_QUEUE_NAME"),
        ("OFFERS_HOME=elsewhere", "OFFERS_HOME"),
        ("MIN_DISCOUNT_PCT=5", ""),
    ],
)
def test_a_working_directory_that_decides_store_or_queue_is_told(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")
    environ = {} if name == "OFFERS_HOME" else {"OFFERS_HOME": str(tmp_path / "home")}
    told = [notice.message for notice in load_config(environ, tmp_path).notices]
    assert told == ([f"{name}: set by the working directory, {tmp_path}"] if name else [])


@pytest.mark.parametrize("text", ["cAnArY-jwt", "/cAnArY/jwt==", "~cAnArY/x", "cAnArY" * 100, "/dev/null", "."])
def test_a_secret_put_in_the_place_of_its_file_is_not_shown(tmp_path: Path, text: str) -> None:
    _, problems = examine_config({"OFFERS_HOME": str(tmp_path), "OFFERS_DASHBOARD_TOKEN_FILE": text}, tmp_path)
    (problem,) = problems
    assert problem.startswith("OFFERS_DASHBOARD_TOKEN_FILE from environment: ")
    assert "cAnArY" not in problem
    if "cAnArY" in text:
        assert problem.endswith(f"the file {MASK} cannot be read: no such file")


def test_a_short_token_is_not_shown_and_how_to_make_a_good_one_is(tmp_path: Path) -> None:
    _, (problem,) = examine_config({"OFFERS_HOME": str(tmp_path), "OFFERS_DASHBOARD_TOKEN": "cAnArY"}, tmp_path)
    assert "cAnArY" not in problem
    assert "at least 16 characters" in problem
    assert "openssl rand -hex 24" in problem


def test_a_key_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    """And not also that there is none."""
    environ = {"OFFERS_HOME": str(tmp_path), "SUPABASE_URL": "https://x.example", "SUPABASE_KEY_FILE": "/nowhere"}
    assert len(examine_config(environ, tmp_path)[1]) == 1


def test_a_secret_may_come_through_a_pipe(tmp_path: Path) -> None:
    """As a shell's `<(command)` gives it."""
    read, write = os.pipe()
    os.write(write, b"piped-into-this-process\n")
    os.close(write)
    assert load(tmp_path, OFFERS_DASHBOARD_TOKEN_FILE=f"/dev/fd/{read}").dashboard.token == Secret(
        "piped-into-this-process"
    )
    os.close(read)


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS] + ["OFFERS_HOME"])
@pytest.mark.parametrize(
    "text",
    [
        "9" * 400,
        "9" * 5000,
        "1e999",
        "-" * 70_000,
        "~nouser/x",
        "x" * 300,
        "/" + "x" * 300,
        "a\nb",
        "a\x1b[31m",
        "\udcff",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_of_a_setting_is_a_bug(tmp_path: Path, name: str, text: str) -> None:
    """It is taken, or refused in a line that names the setting; the home's own errors are told as well as others."""
    _, problems = examine_config({"OFFERS_HOME": str(tmp_path), name: text}, tmp_path)
    assert all(name in problem and len(problem) < 500 for problem in problems)
    if not text.isprintable():
        assert f"{name} from environment: its value" in problems[0]


@pytest.mark.parametrize("name", ["OFFERS_HOME", "OFFERS_DB", "SUPABASE_KEY_FILE"])
def test_a_path_that_cannot_be_is_an_error_that_names_the_setting(tmp_path: Path, name: str) -> None:
    for text in ("~nouser/x", "~" + "x" * 5_000, "/tmp/" + "x" * 300):
        _, problems = examine_config({"OFFERS_HOME": str(tmp_path), name: text}, tmp_path)
        assert problems[0].startswith(f"{name} from environment: ")
        assert len(problems[0]) < 500


@pytest.mark.parametrize(
    "url",
    [
        "redis://host?password=p",
        "redis://host/0?x=1&username=u",
        "redis://u@host",
        "redis+sentinel://h/s?sentinel_password=p",
    ],
)
def test_an_address_with_a_password_does_not_belong_in_toml(tmp_path: Path, url: str) -> None:
    (tmp_path / "offers.toml").write_text(f'redis_url = "{url}"\n')
    with pytest.raises(ConfigError, match="does not belong in"):
        load(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "SUPABASE_KEY_FILE={outside}",
        "SUPABASE_KEY_FILE={folder}/link",
        "SUPABASE_KEY_FILE={folder}/circle",
        "OFFERS_HOME=own",
        "OFFERS_HOME=.",
        "OFFERS_HOME=self",
    ],
)
def test_no_detour_hands_a_key_to_an_address_of_the_working_directory(tmp_path: Path, line: str) -> None:
    """It may name a file outside, a link to one, or call itself, or a folder in it, the home."""
    folder, outside = tmp_path / "cloned", tmp_path / "outside"
    (folder / "own").mkdir(parents=True)
    outside.write_text("canary")
    (folder / "link").symlink_to(outside)
    (folder / "self").symlink_to(folder)
    (folder / "circle").symlink_to("circle")
    url = "SUPABASE_URL=https://evil.example\n"
    (folder / "own" / ".env").write_text(url)
    (folder / ".env").write_text(f"{line.format(outside=outside, folder=folder)}\n" + ("" if "own" in line else url))
    environ = {} if "KEY_FILE" in line else {"SUPABASE_KEY": "canary"}
    if "HOME" not in line:
        environ["OFFERS_HOME"] = str(tmp_path / "home")
    _, problems = examine_config(environ, folder)
    assert [problem for problem in problems if "it would be sent SUPABASE_KEY" in problem]
    assert "canary" not in "".join(problems)


def test_a_key_file_of_an_impossible_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "offers.toml").write_text('supabase_url = "https://evil.example"\nsupabase_key_file = "a\\u0000b"\n')
    _, problems = examine_config({"OFFERS_HOME": str(tmp_path / "home")}, tmp_path)
    assert [problem for problem in problems if problem.startswith("SUPABASE_KEY_FILE from offers.toml")]


def test_in_the_home_itself_nothing_is_foreign(tmp_path: Path) -> None:
    """As a service works in it: its own address may get a key from the environment, and its names are all ours."""
    (tmp_path / ".env").write_text("SUPABASE_URL=https://x.example\nDJANGO=1\n")
    (tmp_path / "other-name").symlink_to(tmp_path)
    for home in (tmp_path, tmp_path / "other-name"):
        _, problems = examine_config({"OFFERS_HOME": str(home), "SUPABASE_KEY": "k"}, tmp_path)
        (problem,) = problems
        assert problem.startswith("DJANGO from .env")


def test_a_broken_line_of_ours_in_a_shared_dotenv_is_an_error(tmp_path: Path) -> None:
    """It is not passed over as another program's: another Redis would be used in silence."""
    (tmp_path / ".env").write_text("FOO='x' y\nREDIS_URL='redis://:canary@host\n")
    with pytest.raises(ConfigError, match=r"^line 2 of .* cannot be read$"):
        load(tmp_path)


def test_the_time_zone_is_one_of_the_machine(tmp_path: Path) -> None:
    """A wrong one is refused, with the one that may be meant: silently it would be UTC."""
    zone = load_config({"OFFERS_HOME": str(tmp_path), "OFFERS_TZ": "America/Sao_Paulo"}, tmp_path).display.time_zone
    assert str(zone) == "America/Sao_Paulo"
    for text, advice in {
        "america/sao paolo": "did you mean America/Sao_Paulo?",
        "../../etc/passwd": "expected one such as America/Sao_Paulo",
    }.items():
        with pytest.raises(ConfigError, match=rf"OFFERS_TZ .* {re.escape(advice)}"):
            load_config({"OFFERS_HOME": str(tmp_path), "OFFERS_TZ": text}, tmp_path)


def test_the_home_is_found_whatever_is_wrong_with_other_settings(tmp_path: Path) -> None:
    """So that what runs in it can be stopped; where it may be another one, nothing is."""
    home = {"OFFERS_HOME": str(tmp_path / "home")}
    wrong = {"MIN_DISCOUNT_PCT": "many", "REDIS_URL": "redis://[", "ENRICHMENT_QUEUE": "x"}
    assert find_home({**home, **wrong}, tmp_path) == tmp_path / "home"
    for doubtful in ({"OFFERS_HOM": str(tmp_path)}, {"OFFERS_HOME": "~nobody-here/x"}):
        with pytest.raises(ConfigError, match="OFFERS_HOME"):
            find_home(doubtful, tmp_path)
    (tmp_path / "offers.toml").write_text("offers_home = [")
    with pytest.raises(ConfigError, match="cannot be read"):
        find_home({}, tmp_path)
