"""Finding out what is wrong with a home and its node, and saying what to do about it.

Nothing here changes anything. Each check gives findings; those that need the running node are
left out, with one that says so, when none runs.
"""

import contextlib
import errno
import json
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from node import config as configs
from node import private
from node.api.answers import CouncilAnswer, CouncilLine, JoinAnswer, NodeAnswer, PeerAnswer, TellerAnswer
from node.api.keeping_answers import Finding
from node.client import Client
from node.clock import synchronised, wall
from node.config import Config
from node.keystore import Keystore
from node.metrics import installed
from node.refused import Refused
from node.run import alone
from node.salvage import Wreck

__all__ = ["examine", "of_teller"]

_LITTLE: Final = 100_000_000  # bytes free, below which the node will stop soon
_SOME: Final = 1_000_000_000
_BEFORE: Final = 1_767_225_600_000  # 2026: this program is younger than a clock that shows less


def examine(home: Path | None = None) -> Iterator[Finding]:
    """Look at everything, one thing after the other; `home` as in `config.load`."""
    try:
        config = configs.load(home)
    except Refused as refused:
        yield _bad("settings", refused.message)
        return
    yield _good("settings", f"The home is {config.home}.")
    if not config.home.exists():
        yield _note("home", "There is nothing in it yet.", "Begin with: moot key new NAME")
        return
    yield from _home(config)
    yield from _keys(config)
    yield from _disk(config)
    yield from _clock()
    client = _client(config)
    yield from _database(config)
    if client is None:
        yield from _stopped(config)
        return
    try:
        yield from _running(client)
    except Refused as refused:
        yield _bad("node", refused.message, None)


def _good(check: str, message: str) -> Finding:
    return Finding(check=check, state="ok", message=message, advice=None)


def _note(check: str, message: str, advice: str | None) -> Finding:
    return Finding(check=check, state="note", message=message, advice=advice)


def _bad(check: str, message: str, advice: str | None = None) -> Finding:
    return Finding(check=check, state="bad", message=message, advice=advice)


def _home(config: Config) -> Iterator[Finding]:
    mode = config.home.stat().st_mode
    if mode & 0o077:
        yield _note(
            "home",
            f"Others on this computer can look into {config.home}; its secrets are closed to them all the same.",
            f"chmod 700 {config.home}",
        )
    try:
        probe = config.home / ".doctor"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        yield _bad(
            "home", f"{config.home} cannot be written ({fault.strerror}).", "Check whose folder it is, and the disk."
        )
    else:
        yield _good("home", "The home can be written.")


def _keys(config: Config) -> Iterator[Finding]:
    keystore = Keystore(config.keys_dir)
    names = keystore.names()
    for trouble in keystore.troubles():
        yield _bad("keys", trouble.message)
    for path in (config.node_key_path, config.token_path):
        try:
            private.read(path)
        except FileNotFoundError:
            continue  # the node makes it when it starts
        except (Refused, OSError) as fault:
            yield _bad("keys", str(fault))
    if not names:
        yield _note(
            "keys",
            "Nobody has a key here. A hall's node needs none; a person who speaks from here does.",
            "moot key new NAME",
        )
    else:
        yield _good(
            "keys", f"Keys of {', '.join(names)}. Each opens with its passphrase, or comes back by its 24 words."
        )


def _disk(config: Config) -> Iterator[Finding]:
    free = shutil.disk_usage(config.home).free
    words = f"{free / 1e9:.1f} GB are free on its disk."
    if free < _LITTLE:
        yield _bad(
            "disk", f"Only {free / 1e6:.0f} MB are free on its disk: the node stops when it is full.", "Make room."
        )
    elif free < _SOME:
        yield _note("disk", words, "Make room before long.")
    else:
        yield _good("disk", words)


def _clock() -> Iterator[Finding]:
    now = wall()
    shown = datetime.fromtimestamp(now / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    if now < _BEFORE:
        yield _bad("clock", f"This computer's clock shows {shown}.", "Set it: timedatectl set-ntp true")
    elif synchronised() is False:
        yield _note(
            "clock",
            f"It is {shown} here, and no time server keeps it right. By a teller's clock votes are on time or too late.",
            "timedatectl set-ntp true; or look now and then whether it is right.",
        )
    else:
        yield _good("clock", f"It is {shown} here.")


def _database(config: Config) -> Iterator[Finding]:
    path = config.database_path
    if not path.exists():
        return
    wreck = Wreck(path)
    try:
        damage = wreck.damage
    finally:
        wreck.close()
    size = sum(file.stat().st_size for file in config.home.glob(f"{path.name}*"))
    if damage:
        yield _bad("database", f"{path} is damaged: {damage[0]}.", "With the node stopped: moot repair")
    else:
        yield _good("database", f"The database is sound ({size / 1e6:.1f} MB).")
    for kept in sorted(config.home.glob("folkmoot-damaged-*.db")):
        yield _note(
            "database", f"{kept} is what 'moot repair' kept of a damaged database.", "Delete it once all is well."
        )


def _client(config: Config) -> Client | None:
    try:
        client = Client(config)
        client.get("/v1/node", dict[str, Any])
    except Refused:
        return None
    return client


def _stopped(config: Config) -> Iterator[Finding]:
    try:
        with alone(config):
            pass
    except Refused:
        yield _bad(
            "node",
            "A node runs on this home, but it does not answer.",
            "moot node stop; or end the process, and start it.",
        )
        return
    try:
        json.loads(config.run_path.read_bytes())
        yield _bad(
            "node",
            f"No node runs, though one did not stop by itself; its last words are in {config.log_path}.",
            "moot node start",
        )
    except (OSError, ValueError):
        yield _bad("node", "No node runs on this home.", "moot node start")
    for what, port in _ports(config):
        taken = _taken(port)
        if taken:
            yield _bad(
                "ports",
                f"Port {port}, for {what}, is taken by another program.",
                "Stop that one, or set another port in settings.toml.",
            )


def _ports(config: Config) -> Iterator[tuple[str, int]]:
    """The ports that the settings name."""
    settings = config.settings
    if isinstance(settings.api_port, int) and settings.api_port:
        yield "the local API", settings.api_port
    for address in settings.listen if isinstance(settings.listen, tuple) else ():
        parts = address.split("/")
        with contextlib.suppress(ValueError, IndexError):
            port = int(parts[parts.index("tcp") + 1])
            if port:
                yield "peers", port


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            return fault.errno == errno.EADDRINUSE
    return False


def _running(client: Client) -> Iterator[Finding]:
    answer = client.get("/v1/node", NodeAnswer)
    if answer.version != installed():
        yield _bad(
            "version",
            f"The node that runs is version {answer.version}, this command {installed()}.",
            "moot node stop, then: moot node start",
        )
    else:
        yield _good("node", f"The node runs (process {answer.pid}, version {answer.version}).")
    if all("/127." in address or "/::1/" in address for address in answer.addresses):
        yield _note(
            "addresses",
            "No other computer can reach this node; it can reach others.",
            "See 'listen' and 'announce' in settings.toml.",
        )
    councils = client.get("/v1/councils", list[CouncilLine])
    yield from _peers(client, councils)
    for line in councils:
        yield from _council(client, line)
    yield from _joining(client)


def _peers(client: Client, councils: list[CouncilLine]) -> Iterator[Finding]:
    peers = client.get("/v1/peers", list[PeerAnswer])
    connected = [peer for peer in peers if peer.connected]
    for peer in connected:
        if peer.trouble:
            yield _bad("peers", peer.trouble)
    away = [peer for peer in peers if peer.kept_away]
    if away:
        yield _note(
            "peers",
            f"{len(away)} of the peers known are kept away.",
            "moot node peers; and 'moot node peers near PEER' to let one near.",
        )
    if connected:
        yield _good("peers", f"{len(connected)} of {len(peers)} known peers are connected.")
    elif peers:
        trouble = next((peer.trouble for peer in peers if peer.trouble), None)
        yield _bad(
            "peers",
            f"None of {len(peers)} known peers can be reached{f': {trouble}' if trouble else ''}.",
            "Look whether this computer's network works and the others' nodes run; without a line: moot bundle",
        )
    elif any(line.members > 1 for line in councils):
        yield _bad("peers", "No other node is known.", "moot node peers add ADDRESS, or ask a member for a ticket.")


def of_teller(name: str, teller: TellerAnswer, only: bool) -> Iterator[Finding]:
    """What hinders a teller. only: the council has no other."""
    if teller.astray:
        yield _bad("teller", f"{name}: {teller.astray}.", "timedatectl set-ntp true")
    if teller.silent:
        yield _bad(
            "teller",
            f"{name}: {teller.silent}.",
            "Wait, or if you know that nothing is missing and the clock is right: moot node resume",
        )
    elif not teller.connected and not teller.here:
        words = (
            "nothing that is decided takes effect until it is reached"
            if only
            else "ballots need more of them than half"
        )
        yield (_bad if only else _note)(
            "teller", f"{name}: its teller {teller.peer} is not connected; {words}.", "See that its node runs."
        )


def _council(client: Client, line: CouncilLine) -> Iterator[Finding]:
    name = " ".join(line.name.split())
    if not line.current:
        yield _note(
            "council",
            f"{name} comes here no more: this node is off its roll.",
            "moot node enrol, or ask to join again.",
        )
        return
    council = client.get(f"/v1/councils/{line.council}", CouncilAnswer)
    for teller in council.tellers:
        yield from of_teller(name, teller, len(council.tellers) == 1)
    if council.rivals:
        yield _bad(
            "branch",
            f"{name}: {council.rivals} operations of another branch were seen.",
            "Talk to each other; then: moot council branch",
        )
    if not any(teller.silent for teller in council.tellers) and not council.rivals:
        yield _good("council", f"{name}: epoch {line.epoch}, {line.operations} operations.")


def _joining(client: Client) -> Iterator[Finding]:
    for one in client.get("/v1/joining", list[JoinAnswer]):
        why = one.message.rstrip(".") if one.message else None
        if one.state == "waiting":
            words = why or "none of its nodes could be reached yet"
            yield _note("joining", f"The council {one.council[:15]} is not here yet: {words}.", "See 'peers' above.")
        elif one.state == "refused":
            yield _note("joining", f"A request to join was refused{f': {why}' if why else ''}.", None)
