"""Secret keys at rest.

A person's keys lie in `people/NAME.key`: a JSON object whose `box` is sealed (libsodium's
secretbox) under a key that argon2id derives from her passphrase, with the parameters beside it.
Several people share one home and none can open another's. The node's own keys lie unsealed in
`node.key`, because a node must start without anybody there.

Files are replaced whole or not at all, readable by their owner alone, and refused when others
could read them.
"""

import contextlib
import re
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from node import private
from node.refused import Refused
from protocol.ids import person_text
from protocol.keys import public_key

__all__ = ["INTERACTIVE", "Cost", "Entropy", "Keystore", "NodeKeys", "Person", "Secrets"]

Entropy = Callable[[int], bytes]
"""So many bytes of chance."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at a passphrase costs: argon2id passes and bytes of memory."""

    passes: int
    memory: int


INTERACTIVE: Final = Cost(argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE)
"""libsodium's for a person who waits: 2 passes over 64 MiB, some 0.1 s on a small computer."""
_HIGHEST: Final = Cost(16, 1 << 31)
"""Dearer than that is a damaged file, which must not take the machine's memory."""
_NAME = re.compile(r"\w[\w.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Secrets:
    """An unlocked person: Ed25519 seeds, 32 bytes each. Never printed, never sent."""

    person_seed: bytes = field(repr=False)
    device_seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """What can be known of a person without her passphrase: public keys as `did:key`."""

    name: str
    person: str
    device: str


class _Argon2id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    passes: int
    memory: int
    salt: bytes
    name: Literal["argon2id"] = "argon2id"


class _PersonFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    person: str
    device: str
    kdf: _Argon2id
    box: bytes
    format: Literal["folkmoot person key"] = "folkmoot person key"
    version: Literal[1] = 1


class _NodeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host_seed: bytes
    teller_seed: bytes
    format: Literal["folkmoot node key"] = "folkmoot node key"
    version: Literal[1] = 1


class Keystore:
    """The people of one home: a folder with one key file each.

    `cost` is what newly sealed files ask for each guess; it is stored in them. Passphrases are
    bytes, not empty. Everything raises `Refused` where a person asked for what cannot be.
    """

    def __init__(self, directory: Path, *, cost: Cost = INTERACTIVE, entropy: Entropy = secrets.token_bytes) -> None:
        self.directory: Final = directory
        self._cost = cost
        self._entropy = entropy

    def names(self) -> list[str]:
        """The names of the people here, sorted."""
        return sorted(unicodedata.normalize("NFC", path.stem) for path in self.directory.glob("[!.]*.key"))

    def people(self) -> list[Person]:
        """The people here with their public keys, by name; without those whose file cannot be read."""
        return self._all()[0]

    def troubles(self) -> list[Refused]:
        """Why the files of some people here cannot be read. Nobody else is kept from hers by that."""
        return self._all()[1]

    def _all(self) -> tuple[list[Person], list[Refused]]:
        people, troubles = [], []
        for name in self.names():
            try:
                people.append(self.person(name))
            except Refused as refused:
                troubles.append(refused)
        return people, troubles

    def choose(self, name: str | None = None) -> str:
        """`name` if such a person is here, or the only person when it is None."""
        names = self.names()
        if not names:
            raise Refused("key-none", "There is no key here yet; make one with: moot key new NAME")
        if name is None:
            if len(names) > 1:
                raise Refused(
                    "key-several",
                    f"Several people share this home ({', '.join(names)}); say who speaks: moot --as NAME",
                )
            return names[0]
        name = unicodedata.normalize("NFC", name)
        if name not in names:
            raise Refused("key-unknown", f"There is no key of {name!r} here; there are: {', '.join(names)}.")
        return name

    def person(self, name: str) -> Person:
        """What is public of the person `name`."""
        file = self._read(name)
        return Person(name, file.person, file.device)

    def check_new(self, name: str) -> None:
        """Refuse `name` if no new person can be called so, before she is asked for anything."""
        self._new_name(name)

    def create(self, name: str, passphrase: bytes, person_seed: bytes | None = None) -> Secrets:
        """A new person with a new device, sealed on disk before this returns.

        With `person_seed` (32 bytes, from `node.words`) the person is an old one on a new device.
        """
        name = self._new_name(name)
        made = Secrets(person_seed or self._entropy(32), self._entropy(32))
        try:
            private.create(self._path(name), self._sealed(made, passphrase))
        except FileExistsError as fault:
            raise _taken(name) from fault
        return made

    def unlock(self, name: str, passphrase: bytes) -> Secrets:
        """The secrets of the person `name`."""
        file = self._read(name)
        try:
            seeds = SecretBox(_key(passphrase, file.kdf)).decrypt(file.box)
        except CryptoError as fault:
            raise Refused("wrong-passphrase", f"That is not {name}'s passphrase; try again.") from fault
        opened = Secrets(seeds[:32], seeds[32:])
        if len(seeds) != 64 or (file.person, file.device) != _public(opened):
            raise self._damaged(name)
        return opened

    def change_passphrase(self, name: str, old: bytes, new: bytes) -> None:
        """Seal the keys of `name` anew; until the new file is on disk the old one stays."""
        private.write(self._path(name), self._sealed(self.unlock(name, old), new))

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.key"

    def _new_name(self, name: str) -> str:
        name = unicodedata.normalize("NFC", name)
        if not _NAME.fullmatch(name):
            raise Refused(
                "key-name",
                f"{name!r} cannot be a name here: take 1 to 32 letters, digits, '-', '_' or '.', starting with a letter or digit.",
            )
        # Some file systems do not tell upper from lower case.
        for other in self.names():
            if other.casefold() == name.casefold():
                raise _taken(other)
        return name

    def _sealed(self, opened: Secrets, passphrase: bytes) -> bytes:
        person, device = _public(opened)
        kdf = _Argon2id(self._cost.passes, self._cost.memory, self._entropy(argon2id.SALTBYTES))
        nonce = self._entropy(SecretBox.NONCE_SIZE)
        box = SecretBox(_key(passphrase, kdf)).encrypt(opened.person_seed + opened.device_seed, nonce)
        return msgspec.json.format(msgspec.json.encode(_PersonFile(person, device, kdf, bytes(box)))) + b"\n"

    def _read(self, name: str) -> _PersonFile:
        name = self.choose(name)
        try:
            file = msgspec.json.decode(private.read(self._path(name)), type=_PersonFile)
        except msgspec.MsgspecError as fault:
            raise self._damaged(name) from fault
        kdf = file.kdf
        if not (1 <= kdf.passes <= _HIGHEST.passes and argon2id.MEMLIMIT_MIN <= kdf.memory <= _HIGHEST.memory):
            raise self._damaged(name)
        if len(kdf.salt) != argon2id.SALTBYTES or len(file.box) != SecretBox.NONCE_SIZE + SecretBox.MACBYTES + 64:
            raise self._damaged(name)
        return file

    def _damaged(self, name: str) -> Refused:
        return Refused(
            "key-damaged",
            f"{self._path(name)} is damaged or from a newer version; bring it back from a backup, "
            "or use the recovery words with: moot key import NEWNAME",
        )


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """A node's own Ed25519 seeds, 32 bytes each: its PeerId's, and what it signs with as a teller."""

    host_seed: bytes = field(repr=False)
    teller_seed: bytes = field(repr=False)

    @classmethod
    def load_or_create(cls, path: Path, *, entropy: Entropy = secrets.token_bytes) -> "NodeKeys":
        """The keys at `path`, made there first if there are none."""
        if not path.exists():
            made = _NodeFile(entropy(32), entropy(32))
            # Two processes may start at once; whoever is second reads the first one's keys.
            with contextlib.suppress(FileExistsError):
                private.create(path, msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        try:
            file = msgspec.json.decode(private.read(path), type=_NodeFile)
        except msgspec.MsgspecError as fault:
            raise _node_damaged(path) from fault
        if len(file.host_seed) != 32 or len(file.teller_seed) != 32:
            raise _node_damaged(path)
        return cls(file.host_seed, file.teller_seed)


def _key(passphrase: bytes, kdf: _Argon2id) -> bytes:
    return argon2id.kdf(SecretBox.KEY_SIZE, passphrase, kdf.salt, opslimit=kdf.passes, memlimit=kdf.memory)


def _public(opened: Secrets) -> tuple[str, str]:
    return person_text(public_key(opened.person_seed)), person_text(public_key(opened.device_seed))


def _taken(name: str) -> Refused:
    return Refused("key-exists", f"There is a key of {name!r} here already, and it stays as it is; take another name.")


def _node_damaged(path: Path) -> Refused:
    return Refused(
        "node-key-damaged",
        f"{path} is damaged or from a newer version; bring it back from a backup, or move it away "
        "and start again, which makes this a new node that councils must enrol anew.",
    )
