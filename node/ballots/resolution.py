"""Minutes of a decision by assent: one sheet for the notice board, as text or HTML."""

from dataclasses import dataclass

from node.ballots.minutes import head, page, when, wrapped

__all__ = ["Resolution", "resolution_html", "resolution_text"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Everything that the sheet says. Times in ms; texts are plain."""

    council: str
    council_id: str
    purpose: str
    title: str
    decided: str
    """What the council did, as a sentence without its full stop."""
    text: str | None
    """What was adopted, where it is a text and has room."""
    mover: str
    moved: int
    reason: str | None
    assents: tuple[str, ...]
    threshold: str
    epoch: int
    epoch_digest: str
    entered: int
    motion: str

    @property
    def adopted(self) -> bool:
        """Whether the council decided it; there are minutes of nothing else."""
        return True


def resolution_text(sheet: Resolution) -> str:
    """The sheet as plain text, 78 columns wide."""
    out = [sheet.council.upper(), *([wrapped(sheet.purpose, "", "")] if sheet.purpose else [])]
    out += ["", "=" * 78, wrapped(sheet.title, "", ""), wrapped(f"Decided: {sheet.decided}.", "", ""), "=" * 78, ""]
    if sheet.text:
        out += [head("What was adopted")]
        out += [wrapped(line) if line.strip() else "" for line in sheet.text.splitlines()]
        out += [""]
    out += [head("How it was decided"), wrapped(f"Moved by {sheet.mover}, {when(sheet.moved)}.")]
    if sheet.reason:
        out += [wrapped(f'"{sheet.reason}"', "  ", "  ")]
    out += [
        wrapped(f"{len(sheet.assents)} members assented; the charter asks for {sheet.threshold}:"),
        wrapped(", ".join(sheet.assents), "    ", "    "),
        wrapped(f"In effect since epoch {sheet.epoch}, {when(sheet.entered)}."),
        "",
        head("How to check it"),
        wrapped(
            "Every assent is signed, and every node counts them for itself. Whoever has the council's log checks all of "
            "it with: moot export, moot verify FILE"
        ),
        f"  Epoch   {sheet.epoch_digest}",
        f"  Motion  {sheet.motion}",
    ]
    return "\n".join(out) + "\n"


def resolution_html(sheet: Resolution) -> str:
    """The sheet as one HTML page for A4 paper, with nothing from elsewhere in it."""
    return page("resolution.html", sheet)
