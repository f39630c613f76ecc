"""A terminal in which a page's commands are typed, and its passphrases where they are asked for.

In a `console` block, lines that begin with `$ ` are typed and the others must be shown; `...`
stands for anything, also for whole lines. Where a page tells of several computers, a name before
the `$` says at which one. A ticket, id, offer or address that a page shortens to its beginning
and `...` is the last one shown; where the 24 words are asked for, those shown last are typed.
"""

import os
import pty
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["Step", "Terminal", "steps"]

_COPIED = re.compile(r"(?<![\w/])(?:(moot(?:device|have|pass|teller)?1|bafyrei)[0-9A-Za-z]{40,}|(/ip4/)\S+/p2p/\w+)")
_ASKED = re.compile(rb"[Pp]assphrase[^\n]*: $|^Again: $|^The 24 words: $", re.MULTILINE)
_WORDS = re.compile(r"(?m)(?:^|  ) ?\d\d? ([a-z]+)")


@dataclass
class Step:
    """One command of a page and what the page shows after it."""

    command: str
    shown: list[str] = field(default_factory=list)
    who: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What has to be shown, all of it."""
        parts = [
            ".*?" if line == "..." else re.escape(line).replace(r"\.\.\.", r"[^\n]*?") + r"\s*?" for line in self.shown
        ]
        return re.compile(r"\s*" + r"\n".join(parts) + r"\s*", re.DOTALL)


def steps(page: Path) -> list[Step]:
    """The commands of a page's `console` blocks, in order."""
    found: list[Step] = []
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == "fence" and token.info == "console":
            for line in token.content.splitlines():
                if typed := re.fullmatch(r"(\w*)\$ (.+)", line):
                    found.append(Step(typed[2], who=typed[1]))
                else:
                    found[-1].shown.append(line)
    return found


class Terminal:
    """Runs commands one after the other, each at a terminal of its own, in `folder` if that is given."""

    def __init__(
        self,
        home: Path,
        passphrases: Mapping[str, str],
        folder: Path | None = None,
        copied: dict[str, str] | None = None,
    ) -> None:
        self._folder = folder or Path.cwd()
        self._passphrases = passphrases
        self._copied = {} if copied is None else copied
        self._home = home
        self._environment = {
            **os.environ,
            "COLUMNS": "200",
            "MOOT_HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TERM": "dumb",
        }

    def run(self, step: Step) -> str:
        """Type the command and return all that it shows once it has ended well."""
        process, terminal = self._type(step.command)
        shown = b""
        answered = 0
        while more := _read(terminal):
            shown += more
            if _ASKED.search(shown, answered):
                answered = len(shown)
                os.write(terminal, f"{self._passphrase(shown.decode())}\n".encode())
        os.close(terminal)
        _, status = os.waitpid(process, 0)
        text = shown.decode().replace("\r\n", "\n")
        assert os.waitstatus_to_exitcode(status) == 0, text
        for copied in _COPIED.finditer(text):
            self._copied[copied[1] or copied[2]] = copied[0]
        if len(words := _WORDS.findall(text)) == 24:
            self._copied["words"] = " ".join(words)
        # The prompts are the terminal's, not the page's; and how long it waited differs.
        return re.sub(r"(?m)^.*[Pp]assphrase.*: \n|^Again: \n|^The 24 words: .*\n|^.* Waiting for it; .*\n", "", text)

    def close(self) -> None:
        """Stop the node, if one was started and still runs."""
        if (self._home / "run.json").exists():
            self.run(Step("moot node stop"))

    def _type(self, command: str) -> tuple[int, int]:
        """The new process and the descriptor of its terminal."""
        for head, whole in self._copied.items():
            command = command.replace(f"{head}...", whole)
        process, terminal = pty.fork()
        if process == 0:
            try:
                os.chdir(self._folder)
                os.execvpe("bash", ["bash", "-c", f"exec {command}"], self._environment)
            finally:
                os._exit(127)  # there is no bash, and this is still the copy of a test
        return process, terminal

    def _passphrase(self, shown: str) -> str:
        if shown.endswith("The 24 words: "):
            return self._copied["words"]
        asked = [name for name in self._passphrases if re.search(rf"\b{name}\b", shown)]
        assert len(asked) == 1, shown
        return self._passphrases[asked[0]]


def _read(terminal: int) -> bytes:
    """What is shown next; nothing when nobody is at the other end any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:  # so Linux says it
        return b""
