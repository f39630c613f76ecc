"""Asking a person for a passphrase: at the terminal without echo, or from a file descriptor.

Never from an argument or an environment variable: other processes can read those.
"""

import getpass
import os
import unicodedata
import warnings

from node.refused import Refused

__all__ = ["LONGEST", "ask", "choose", "from_descriptor"]

LONGEST = 1024
"""Bytes of the longest line that is read from a descriptor."""


def ask(prompt: str, descriptor: int | None = None) -> bytes:
    """The passphrase: one line of `descriptor`, or typed by the person after `prompt`.

    Raises `Refused` when there is neither a descriptor nor a terminal, or the answer is empty.
    """
    if descriptor is not None:
        return from_descriptor(descriptor)
    return _bytes(_typed(prompt))


def choose(prompt: str, descriptor: int | None = None) -> bytes:
    """A new passphrase; one that is typed is asked for twice."""
    passphrase = ask(prompt, descriptor)
    if descriptor is None and _bytes(_typed("Again: ")) != passphrase:
        raise Refused("passphrase-differs", "The two passphrases differ; nothing was changed, so try again.")
    return passphrase


def from_descriptor(descriptor: int) -> bytes:
    """The next line of an open file descriptor, without its end, as the passphrase.

    Reads no byte past that line, so two passphrases can come on two lines of one descriptor.
    """
    line = bytearray()
    try:
        while (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            line += byte
            if len(line) > LONGEST:
                raise Refused("passphrase-long", f"A passphrase has at most {LONGEST} bytes.")
    except OSError as fault:
        raise Refused(
            "passphrase-descriptor",
            f"File descriptor {descriptor} cannot be read ({fault.strerror}); open it, as in: moot ... --passphrase-fd 3 3<FILE",
        ) from fault
    try:
        return _bytes(line.removesuffix(b"\r").decode())
    except UnicodeDecodeError as fault:
        raise Refused("passphrase-text", "The passphrase is not text in UTF-8.") from fault


def _typed(prompt: str) -> str:
    with warnings.catch_warnings():
        # Without a terminal getpass would read stdin with echo, after a warning.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError) as fault:
            raise Refused(
                "no-terminal", "There is no terminal to ask for the passphrase; give it with --passphrase-fd N."
            ) from fault


def _bytes(text: str) -> bytes:
    # Keyboards compose letters in different ways; one passphrase must stay one.
    passphrase = unicodedata.normalize("NFC", text).encode()
    if not passphrase:
        raise Refused(
            "passphrase-empty", "An empty passphrase protects nothing; choose a few words that you will remember."
        )
    return passphrase
