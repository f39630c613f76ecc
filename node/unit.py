"""The systemd unit that starts a node with its computer.

A user's unit runs the node of that user, from login on, or from the start of the computer where lingering is
enabled; the system's runs it as a user of its own. Both let the node write to its home and
nowhere else, as far as systemd lets a user's unit say so.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.refused import Refused

__all__ = ["NAME", "Unit", "call", "command_line", "install", "remove", "systemd_runs"]

NAME: Final = "folkmoot.service"
_SYSTEM: Final = Path("/etc/systemd/system")

_FOR_ALL: Final = """\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# adjtimex tells whether a time server keeps the clock right; nothing can be set with it here.
SystemCallFilter=@system-service adjtimex
SystemCallErrorNumber=EPERM
UMask=0077
"""
_FOR_SYSTEM: Final = """\
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
CapabilityBoundingSet=
AmbientCapabilities=
"""
"""What only the system's own manager may ask for."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`user` is whose node it is: None for a unit of whoever installs it, else a user of the system."""

    home: Path
    command: tuple[str, ...]
    user: str | None = None

    @property
    def path(self) -> Path:
        """Where systemd looks for it."""
        if self.user is not None:
            return _SYSTEM / NAME
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(base) / "systemd" / "user" / NAME

    def text(self) -> str:
        """The unit's file."""
        system = self.user is not None
        lines = [
            "[Unit]",
            "Description=Folkmoot node",
            *(
                ("Wants=network-online.target time-sync.target", "After=network-online.target time-sync.target")
                if system
                else ()
            ),
            "",
            "[Service]",
            "Type=notify",
            *((f"User={self.user}",) if system else ()),
            f"Environment={_quoted(f'MOOT_HOME={self.home}')}",
            f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in self.command)}",
            "Restart=on-failure",
            "RestartSec=10",
            "TimeoutStartSec=10min",
            _FOR_ALL.rstrip(),
            *((_FOR_SYSTEM.rstrip(), f"ReadWritePaths={_quoted(str(self.home))}") if system else ()),
            "",
            "[Install]",
            f"WantedBy={'multi-user.target' if system else 'default.target'}",
            "",
        ]
        return "\n".join(lines)

    def systemctl(self, *words: str) -> tuple[str, ...]:
        """A `systemctl` command for this sort of unit."""
        return ("systemctl", *(() if self.user is not None else ("--user",)), *words)


def _quoted(word: str) -> str:
    """A word as systemd reads it back."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if set(word) & set(" \"'\\\t;") else escaped


def command_line() -> tuple[str, ...]:
    """The command that runs the node: the one that is running now."""
    here = shutil.which("moot", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if here is not None:
        return (here, "node", "run")
    return (sys.executable, "-c", "import cli; cli.main(['node', 'run'])")


def systemd_runs() -> bool:
    """Whether this computer was started by systemd."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def install(unit: Unit) -> Path:
    """Write the unit's file; gives its path. Raises `Refused` where it cannot be written."""
    path = unit.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.text())
    except OSError as fault:
        advice = (
            "use sudo, or leave --system out for a unit of your own" if unit.user is not None else "check the folder"
        )
        raise Refused("unit", f"{path} cannot be written ({fault.strerror}): {advice}.") from fault
    return path


def remove(unit: Unit) -> bool:
    """Delete the unit's file; False when there was none."""
    try:
        unit.path.unlink()
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise Refused("unit", f"{unit.path} cannot be deleted ({fault.strerror}); use sudo.") from fault
    return True


def call(command: tuple[str, ...]) -> str | None:
    """Run a command; gives why it failed, if it did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as fault:
        return f"{command[0]}: {fault.strerror}"
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit code {done.returncode}")
