"""Minutes of a ballot: one sheet for the notice board, as text, HTML or PDF."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from node.ballots.explained import Bar
from node.refused import Refused

__all__ = ["Minutes", "Signature", "as_html", "as_text", "browser", "head", "page", "to_pdf", "when", "wrapped"]

_FOLDER: Final = Path(__file__).parent
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE: Final = 60.0  # seconds for a browser to print a page
_WIDTH: Final = 78


@dataclass(frozen=True, slots=True)
class Signature:
    """A teller's signature under the record, both in hex, or none."""

    key: str
    signature: str | None


@dataclass(frozen=True, slots=True)
class Minutes:
    """Everything that the sheet says. Times in ms; texts are plain."""

    council: str
    council_id: str
    purpose: str
    title: str
    text: str | None
    opener: str
    opened: int
    closed: int
    pinned: tuple[tuple[str, str, str | None], ...]
    """(words, id, text) of the texts that were voted on; no text where it is too long for one sheet, or erased."""
    options: tuple[str, ...]
    terms: tuple[str, ...]
    hidden: bool
    epoch: int
    people: int
    voted: int
    quorum: str
    outcome: str
    """One sentence."""
    figures: str
    adopted: bool
    bars: tuple[Bar, ...]
    rounds: tuple[str, ...]
    ties: tuple[str, ...]
    equal: str | None
    classes: tuple[str, ...]
    """What each class said, where each has a say."""
    drawn: bool
    """Whether nobody voted, and lots were drawn."""
    effect: str | None
    """What the council did because of it, or is to do."""
    finality: str
    round: int
    needed: int
    signatures: tuple[Signature, ...]
    ballot: str
    record: str
    checked: tuple[str, ...]
    """What was proved when the sheet was made."""
    warnings: tuple[str, ...]


def when(milliseconds: int) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%d %B %Y, %H:%M")


def head(text: str) -> str:
    """A heading of a text."""
    return f"{text}\n{'-' * len(text)}"


def _sentences(words: tuple[str, ...]) -> list[str]:
    return [f"{one}." for one in words]


def wrapped(text: str, first: str = "  ", rest: str = "  ") -> str:
    """A paragraph of a text, broken into lines."""
    return fill(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False)


def as_text(minutes: Minutes) -> str:
    """The sheet as plain text, 78 columns wide."""
    signed = sum(one.signature is not None for one in minutes.signatures)
    out = [
        f"{minutes.council.upper()}",
        *([wrapped(minutes.purpose, "", "")] if minutes.purpose else []),
        "",
        "=" * _WIDTH,
        wrapped(minutes.title, "", ""),
        wrapped(f"{minutes.outcome} {minutes.figures}", "", ""),
        "=" * _WIDTH,
        "",
        head("What was asked"),
    ]
    if minutes.text:
        out += [wrapped(line) if line.strip() else "" for line in minutes.text.splitlines()]
    for words, id, written in minutes.pinned:
        out.append(wrapped(f"On {words} ({id})" + (":" if written else ""), "  ", "    "))
        out += [wrapped(line, "    ", "    ") for line in (written or "").splitlines() if line.strip()]
    out += [f"  {number:>3}. {option}" for number, option in enumerate(minutes.options, 1)]
    out.append(wrapped(f"Asked by {minutes.opener}, {when(minutes.opened)}; votes until {when(minutes.closed)}."))
    out += ["", head("Who could vote")]
    hidden = " Votes were hidden until the close." if minutes.hidden else ""
    roll = f"{minutes.people} people, the roll of epoch {minutes.epoch}."
    voted = f"{minutes.voted} voted; the charter asks for {minutes.quorum}.{hidden}"
    out.append(wrapped(f"{roll} Nobody voted: lots were drawn." if minutes.drawn else f"{roll} {voted}"))
    out += ["", head("The result")]
    out.append(wrapped(f"Counted: {'; '.join(minutes.terms)}."))
    wide = max((len(bar.name) for bar in minutes.bars), default=0)
    high = max((len(bar.figure) for bar in minutes.bars), default=0)
    for bar in minutes.bars:
        out.append(f"  {bar.name.ljust(wide)}  {bar.figure.rjust(high)}  {'#' * round(bar.share * 30)}".rstrip())
    out += [wrapped(line, "  ", "    ") for line in (*minutes.rounds, *_sentences(minutes.classes), *minutes.ties)]
    out += [wrapped(line) for line in (minutes.equal, minutes.effect, minutes.finality) if line]
    out += [wrapped(line, "  ! ", "    ") for line in minutes.warnings]
    out += ["", head("Who certified it")]
    out.append(
        wrapped(
            f"{signed} of {len(minutes.signatures)} tellers, in round {minutes.round} of the count; {minutes.needed} had to agree."
        )
    )
    for one in minutes.signatures:
        out.append(f"  {one.key}")
        out.append(f"    {one.signature[:64]}..." if one.signature else "    did not sign")
    out += ["", head("How to check it")]
    out.append(wrapped(f"Checked when this was printed: {' '.join(minutes.checked)}"))
    out.append("  Record  " + minutes.record)
    out.append("  Ballot  " + minutes.ballot)
    out.append("  Ask any member for the certificate, a file, and check it on your computer:")
    out.append("    moot certificate verify FILE --tellers KEY,KEY...")
    out.append("  The keys are those above; compare them with a charter that you trust.")
    return "\n".join(out) + "\n"


def as_html(minutes: Minutes) -> str:
    """The sheet as one HTML page for A4 paper, with nothing from elsewhere in it."""
    return page("minutes.html", minutes)


def page(template: str, sheet: object) -> str:
    """A sheet by its template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = when
    # Between two figures a reader expects the longer dash.
    environment.filters["dashed"] = lambda text: re.sub(r"(?<=\d)-(?=\d)", "\u2013", text)
    return environment.get_template(template).render(sheet=sheet, minutes=sheet)


def browser() -> str | None:
    """The browser of this computer that can print to a file, if there is one."""
    return next((path for name in _BROWSERS if (path := shutil.which(name)) is not None), None)


def to_pdf(html: str, target: Path) -> None:
    """Print a page to a PDF with the computer's browser; `Refused` says how else to."""
    program = browser()
    if program is None:
        raise Refused(
            "minutes-browser",
            "There is no Chromium here that could print a PDF: install it (apt install chromium), or write the page with "
            "--html FILE and print that from any browser.",
        )
    with tempfile.TemporaryDirectory(prefix="folkmoot-minutes-") as folder:
        source, made = Path(folder, "minutes.html"), Path(folder, "minutes.pdf")
        source.write_text(html, encoding="utf-8")
        done = _print(program, folder, source, made)
        if not made.exists():
            last = done.strip().splitlines()[-1:] or ["it said nothing"]
            raise Refused("minutes-browser", f"{program} did not print the page ({last[0]}); use --html FILE instead.")
        try:
            shutil.copyfile(made, target)
        except OSError as fault:
            raise Refused("file", f"{target} cannot be written ({fault.strerror}).") from fault


def _print(program: str, folder: str, source: Path, made: Path) -> str:
    """What the browser said while it printed."""
    # The page is ours and has no script in it; as root, in a container, Chromium knows no other way.
    words: list[Any] = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    words += ["--no-pdf-header-footer", f"--print-to-pdf={made}", source.as_uri()]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "it took too long"
    return done.stderr
