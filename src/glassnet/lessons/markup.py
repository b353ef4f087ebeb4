"""Markdown of lessons as HTML, and the links in it that light up or do something in the studio."""

import re

from markdown_it import MarkdownIt

from glassnet.errors import FileFormatError

# How many numbers name each thing: weight/layer/from/to, bias/layer/unit, unit/layer/unit, all from 0.
SELECTED = {"weight": 3, "bias": 2, "unit": 2, "layer": 1, "input": 1, "row": 1}
ACTIONS = ("play", "pause", "over", "undo", "recover", "branch", "epoch", "batch", "stage", "collapse")

# HTML stays text; images and addresses in angle brackets have no use here.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink"])


def block(text: str) -> str:
    """Paragraphs, lists and tables.

    >>> block("The *slope* of [h₆](#select=unit/0/5), 1 < 2.")
    '<p>The <em>slope</em> of <a href="#select=unit/0/5">h₆</a>, 1 &lt; 2.</p>\\n'
    >>> block("<script>")
    '<p>&lt;script&gt;</p>\\n'
    """
    return str(_MARKDOWN.render(text))


def inline(text: str) -> str:
    """A line without its paragraph, such as an option to choose."""
    return str(_MARKDOWN.renderInline(text))


def links(text: str) -> list[str]:
    """Where the links of a text lead.

    >>> links("[one](#do=play) and [two](#select=row/12)")
    ['#do=play', '#select=row/12']
    """
    return [
        str(token.attrs["href"])
        for parent in _MARKDOWN.parse(text)
        for token in parent.children or ()
        if token.type == "link_open"
    ]


def check_links(where: str, text: str) -> None:
    """Refuse links that the studio would not know.

    Raises:
        FileFormatError: There is one; it is named.
    """
    for link in links(text):
        found = target(link)
        if found is None:
            raise FileFormatError(
                f"{where}: the link {link!r} leads nowhere. Write #select=weight/0/1/5, bias/0/5, unit/0/3, layer/1, "
                f"input/0 or row/12, or #do= and one of {', '.join(ACTIONS)}."
            )


def target(link: str) -> tuple[str, tuple[int, ...]] | None:
    """What a link selects, ("weight", (0, 1, 5)), or does, ("play", ()); None where it leads nowhere."""
    if link.startswith("#do="):
        action = link.removeprefix("#do=")
        return (action, ()) if action in ACTIONS else None
    kind, *places = link.removeprefix("#select=").split("/")
    known = link.startswith("#select=") and len(places) == SELECTED.get(kind, -1)
    return (kind, tuple(map(int, places))) if known and all(re.fullmatch(r"\d+", p) for p in places) else None
