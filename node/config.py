"""Where a node keeps what it keeps, and the few settings that a person may change.

Everything lies in one folder, the *home*: `MOOT_HOME` where that is set, else the user's data
folder (`~/.local/share/folkmoot` on Linux). Settings are read from `settings.toml` in it; a
home without that file uses the defaults, so nobody has to write one.
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from node import private
from node.refused import Refused

__all__ = ["API_PORT", "PORT", "Config", "Settings", "load"]

PORT: Final = 4747
"""On which peers reach a node, unless it is told otherwise or another has it."""
API_PORT: Final = 4748
"""On which the local API answers, likewise."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `settings.toml` may hold; docs/reference/settings.md says what each is for."""

    listen: tuple[str, ...] | UnsetType = UNSET
    """Multiaddrs on which peers reach this node; unset, port 4747, or a free one where that is taken."""
    announce: tuple[str, ...] = ()
    """Multiaddrs that tickets name instead, where peers must come in through a router."""
    peers: tuple[str, ...] = ()
    """Multiaddrs ending in `/p2p/PEERID`, dialled from the start."""
    mdns: bool = True
    """Whether to find peers on the local network."""
    api_port: int | UnsetType = UNSET
    """The port of the local API and page, on 127.0.0.1 only; 0 takes any free one; unset, 4748 or a free one."""
    examiners: Annotated[int, msgspec.Meta(ge=0, le=16)] | UnsetType = UNSET
    """Processes that verify signatures beside the node's own when many come; unset, one for each further core, at most 4."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least serious line that is written to the log."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""
    log_to: Literal["file", "stderr"] = "file"
    """`node.log` in the home, or stderr, for containers and the journal."""
    relay: bool = True
    """Whether members whose nodes cannot be dialled may reach each other through this one."""


@dataclass(frozen=True, slots=True)
class Config:
    """A home and its settings. Paths need not exist yet."""

    home: Path
    settings: Settings = field(default_factory=Settings)

    @property
    def keys_dir(self) -> Path:
        """The key files of the people of this home."""
        return self.home / "people"

    @property
    def node_key_path(self) -> Path:
        """The node's own keys: its PeerId and its teller's."""
        return self.home / "node.key"

    @property
    def database_path(self) -> Path:
        """Logs, attachments and teller state."""
        return self.home / "folkmoot.db"

    @property
    def token_path(self) -> Path:
        """The token that the local API asks for."""
        return self.home / "api.token"

    @property
    def run_path(self) -> Path:
        """What a running node says of itself: process id and API port."""
        return self.home / "run.json"

    @property
    def log_path(self) -> Path:
        """The running node's log."""
        return self.home / "node.log"

    @property
    def settings_path(self) -> Path:
        """The settings of this home, if a person wrote any."""
        return self.home / "settings.toml"

    def prepare(self) -> None:
        """Make the home, for its owner alone. Raises `Refused` where that cannot be."""
        try:
            private.folder(self.home)
        except OSError as fault:
            raise Refused(
                "home",
                f"The folder {self.home} cannot be made ({fault.strerror}); point MOOT_HOME at a folder that you may write to.",
            ) from fault


def load(home: Path | None = None) -> Config:
    """The configuration of `home`, or of `MOOT_HOME`, or of the user's data folder, in that order.

    Makes nothing. Raises `Refused` when the home is not a folder or `settings.toml` is wrong.
    """
    home = (home or _home()).absolute()
    if home.exists() and not home.is_dir():
        raise Refused("home", f"{home} is a file; point MOOT_HOME at a folder.")
    return Config(home, _settings(home / "settings.toml"))


def _home() -> Path:
    named = os.environ.get("MOOT_HOME")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("folkmoot", appauthor=False)


def _settings(path: Path) -> Settings:
    try:
        text = path.read_bytes().decode()
        raw = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as fault:
        raise Refused("settings", f"{path} cannot be read ({fault.strerror}).") from fault
    except UnicodeDecodeError as fault:
        raise Refused("settings", f"{path} is not text in UTF-8; save it again as UTF-8.") from fault
    except tomllib.TOMLDecodeError as fault:
        raise Refused("settings", f"{path} is not TOML: {fault}.") from fault
    for name in raw:
        if name not in Settings.__struct_fields__:
            known = ", ".join(Settings.__struct_fields__)
            raise Refused("settings", f"{path} sets {name!r}, which is no setting; there are: {known}.")
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as fault:
        raise Refused("settings", f"{path} is wrong: {fault}. Mend that line, or delete it for the default.") from fault
    if settings.api_port is not UNSET and not 0 <= settings.api_port <= 65535:
        raise Refused("settings", f"{path} sets api_port to {settings.api_port}; ports go from 0 to 65535.")
    return settings
