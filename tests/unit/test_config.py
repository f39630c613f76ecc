"""A home, its paths and its settings."""

import stat
from pathlib import Path

import pytest

from node import config
from node.config import Settings
from node.refused import Refused


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may touch the home of whoever runs it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MOOT_HOME", raising=False)


def test_a_home_is_named_or_in_the_environment_or_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.load().home == tmp_path / "data" / "folkmoot"
    monkeypatch.setenv("MOOT_HOME", str(tmp_path / "hall"))
    assert config.load().home == tmp_path / "hall"
    assert config.load(tmp_path / "mine").home == tmp_path / "mine"
    monkeypatch.setenv("MOOT_HOME", "")
    assert config.load().home == tmp_path / "data" / "folkmoot"


def test_a_relative_home_stays_where_it_is_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOOT_HOME", "hall")
    assert config.load().home == tmp_path / "hall"


def test_everything_kept_lies_in_the_home_and_loading_makes_nothing(tmp_path: Path) -> None:
    loaded = config.load(tmp_path / "hall")
    paths = [
        loaded.keys_dir,
        loaded.node_key_path,
        loaded.database_path,
        loaded.token_path,
        loaded.run_path,
        loaded.log_path,
        loaded.settings_path,
    ]
    assert {path.parent for path in paths} == {loaded.home}
    assert len(set(paths)) == len(paths)
    assert not loaded.home.exists()


def test_a_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    config.load(tmp_path / "deep" / "hall").prepare()
    for path in (tmp_path / "deep", tmp_path / "deep" / "hall"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    config.load(tmp_path / "deep" / "hall").prepare()


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(Refused, match="point MOOT_HOME at a folder that you may write to"):
        config.load(tmp_path / "file" / "hall").prepare()


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hall").write_text("a file")
    with pytest.raises(Refused, match=r"hall is a file; point MOOT_HOME at a folder\."):
        config.load(tmp_path / "hall")


def test_without_a_file_settings_are_the_defaults(tmp_path: Path) -> None:
    assert config.load(tmp_path).settings == Settings()


def test_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\nmdns = false\napi_port = 0\n')
    settings = config.load(tmp_path).settings
    assert settings == Settings(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False, api_port=0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("api_port = ", "is not TOML: Invalid value (at end of document)."),
        ("api_prot = 1", "sets 'api_prot', which is no setting; there are: listen, announce, peers, mdns, api_port"),
        ('api_port = "x"', "is wrong: Expected `int`, got `str` - at `$.api_port`. Mend that line"),
        ("api_port = 65536", "sets api_port to 65536; ports go from 0 to 65535."),
        ("api_port = -1", "sets api_port to -1; ports go from 0 to 65535."),
        ('log_level = "loud"', "is wrong: Invalid enum value 'loud' - at `$.log_level`. Mend that line"),
        ('peers = "x"', "is wrong: Expected `array`, got `str` - at `$.peers`. Mend that line"),
    ],
)
def test_wrong_settings_are_refused_in_words(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(Refused) as refused:
        config.load(tmp_path)
    assert refused.value.rule == "settings"
    assert says in str(refused.value)
    assert str(tmp_path / "settings.toml") in str(refused.value)


def test_settings_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match="not text in UTF-8"):
        config.load(tmp_path)


def test_settings_that_are_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(Refused, match="cannot be read"):
        config.load(tmp_path)
