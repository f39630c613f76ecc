"""`python -m scripts.docs`: write the command reference, check every link, build the pages.

docs/reference/moot.md is written from the commands' own help, so it cannot say anything else;
a test fails while it is out of date. The pages go to build/pages, one for each Markdown file.
"""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
from markdown_it import MarkdownIt
from markdown_it.token import Token

import cli
from scripts import api

__all__ = ["REFERENCE", "ROOT", "broken_links", "build", "linked", "main", "reference", "sources"]

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "moot.md"
_WIDTH = 100
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Folkmoot</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 system-ui, sans-serif; }}
pre {{ overflow-x: auto; padding: .8rem; border: 1px solid #8886; border-radius: .4rem; line-height: 1.4; }}
code {{ font-size: .92em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
<nav><a href="{home}">Folkmoot</a></nav>
<main>
{body}</main>
</body>
</html>
"""


def sources() -> list[Path]:
    """The Markdown files that people read, sorted."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("protocol/*.md"), *ROOT.glob("docs/**/*.md")])


def reference() -> str:
    """The command reference, in Markdown."""
    parts = [
        "# The command `moot`\n\nWritten by `make docs` from what `--help` says. Exit codes: 0 done, 1 refused (the reason is on "
        "stderr), 2 wrong usage.\nWith `--json` a command prints one JSON object on stdout, with the keys that its help names.\n"
    ]
    for path, command, context in _commands("moot", cli.moot, None):
        mark = "#" * min(1 + len(path.split()), 4)
        parts.append(f"{mark} {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(
    path: str, command: click.Command, parent: click.Context | None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    # A terminal's width must not show in a file, and click gives its groups' settings only to contexts that parse.
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, info_name=path.split()[-1], parent=parent, **settings)
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from _commands(f"{path} {name}", inner, context)


def linked(path: Path) -> set[Path]:
    """The Markdown files that one of them links to."""
    targets = (urlsplit(target) for target in _links(path))
    files = {(path.parent / unquote(url.path)).resolve() for url in targets if url.path and not url.netloc}
    return files & set(sources())


def broken_links(paths: Sequence[Path]) -> list[str]:
    """One line for each link in `paths` whose file or heading is not there. The web is not asked."""
    broken = []
    anchors: dict[Path, set[str]] = {}  # reading a page takes a while, and some are linked to often
    for path in paths:
        for target in _links(path):
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            file = (path.parent / unquote(url.path)).resolve() if url.path else path
            if file.exists() and url.fragment and file not in anchors:
                anchors[file] = _anchors(file)
            if not file.exists() or (url.fragment and url.fragment not in anchors[file]):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    return broken


def _links(path: Path) -> list[str]:
    found = []
    for token in _tokens(_MARKDOWN.parse(path.read_text())):
        target = token.attrs.get("href" if token.type == "link_open" else "src")
        if token.type in {"link_open", "image"} and isinstance(target, str):
            found.append(target)
    return found


def _tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or [])


def _anchors(path: Path) -> set[str]:
    tokens = _MARKDOWN.parse(path.read_text())
    return {_anchor(tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open"}


def _anchor(heading: Token) -> str:
    """A heading's name in links, as code forges make it."""
    text = "".join(token.content for token in heading.children or [])
    text = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def build(folder: Path) -> None:
    """Write a page for each source below `folder`, and copy the files that they link to."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = set(sources())
    for path in sources():
        tokens = _MARKDOWN.parse(path.read_text())
        title = path.stem
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                token.attrSet("id", _anchor(tokens[at + 1]))
                if token.tag == "h1":
                    title = tokens[at + 1].content.replace("`", "")
        for token in _tokens(tokens):
            if token.type == "link_open":
                _relink(token, path, pages, folder)
        page = (folder / path.relative_to(ROOT)).with_suffix(".html")
        page.parent.mkdir(parents=True, exist_ok=True)
        home = "../" * (len(path.relative_to(ROOT).parts) - 1) + "docs/index.html"
        body = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
        page.write_text(_PAGE.format(title=escape(title), home=home, body=body))


def _relink(token: Token, path: Path, pages: set[Path], folder: Path) -> None:
    url = urlsplit(str(token.attrs["href"]))
    if url.scheme or url.netloc or not url.path:
        return
    file = (path.parent / unquote(url.path)).resolve()
    if file in pages:
        token.attrSet("href", url._replace(path=url.path.removesuffix(".md") + ".html").geturl())
    elif file.is_file():
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def main() -> int:
    """Do all of it; returns the exit code."""
    REFERENCE.write_text(reference())
    api.API.write_text(api.api_reference())
    api.JSON.write_text(api.json_reference())
    broken = broken_links(sources())
    for line in broken:
        print(f"broken link: {line}", file=sys.stderr)
    build(ROOT / "build" / "pages")
    print(
        f"{len(sources())} pages in build/pages, from docs/index.html on; the reference is in {REFERENCE.relative_to(ROOT)}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
