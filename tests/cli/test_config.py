"""The config file and the precedence of flag, environment, file and default."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.config import Config, load_config, parse_config
from cli.session import Session
from storage.errors import UsageError

PLACE = Path("/somewhere/config.toml")


def test_a_file_that_is_not_there_means_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / "none.toml") == Config()


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no config file"):
        load_config(tmp_path / "none.toml", must_exist=True)


def test_every_key_is_read() -> None:
    config = parse_config(b'db = "/data/a.db"\nquiet = true\nthreads = 4\n', PLACE)
    assert config == Config(db="/data/a.db", quiet=True, threads=4)


def test_a_relative_dataset_is_relative_to_the_config_file() -> None:
    assert parse_config(b'db = "a.db"', PLACE).db == "/somewhere/a.db"


def test_a_url_is_left_as_it_is() -> None:
    assert parse_config(b'db = "postgresql://h/d"', PLACE).db == "postgresql://h/d"


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown key 'theads'") as caught:
        parse_config(b"theads = 2", PLACE)
    assert caught.value.hint == "did you mean 'threads'?"


@pytest.mark.parametrize(
    "text",
    [
        b"db = 7",
        b'db = ""',
        b'quiet = "yes"',
        b"quiet = 1",
        b"threads = true",
        b"threads = 0",
        b"threads = 2.5",
    ],
)
def test_a_value_of_the_wrong_type_names_its_key(text: bytes) -> None:
    key = text.split()[0].decode()
    with pytest.raises(UsageError, match=f"'{key}' is"):
        parse_config(text, PLACE)


@pytest.mark.parametrize("text", [b"db = ", b"\xff\xfe", b"[" * 10_000])
def test_a_file_that_is_not_toml_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match="not valid TOML"):
        parse_config(text, PLACE)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(UsageError, match="not a config file"):
        load_config(path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path)


@pytest.fixture
def config_file(own_home: Path) -> Path:
    path = own_home / "config" / "pixshelf" / "config.toml"
    path.parent.mkdir()
    path.write_text('db = "/from/config.db"\n', encoding="utf-8")
    return path


def test_the_flag_wins_over_all(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXSHELF_DB", "/from/env.db")
    assert Session(db_flag="/from/flag.db").db == "/from/flag.db"


def test_the_environment_wins_over_the_config_file(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXSHELF_DB", "/from/env.db")
    assert Session().db == "/from/env.db"


def test_the_config_file_wins_over_the_default(config_file: Path) -> None:
    assert Session().db == "/from/config.db"


def test_the_default_is_in_the_users_data_folder(own_home: Path) -> None:
    assert Session().db == str(own_home / "data" / "pixshelf" / "pixshelf.db")


def test_a_config_file_can_be_named_by_flag_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.toml"
    path.write_text('db = "other.db"\n', encoding="utf-8")
    assert Session(config_flag=str(path)).db == str(tmp_path / "other.db")
    monkeypatch.setenv("PIXSHELF_CONFIG", str(path))
    assert Session().db == str(tmp_path / "other.db")
