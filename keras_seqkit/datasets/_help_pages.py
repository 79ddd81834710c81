"""The same help page in two languages: which of its paragraphs say the same."""

import re
from html.parser import HTMLParser
from pathlib import Path

PARAGRAPHS = ("h1", "h2", "h3", "h4", "h5", "h6", "p")
PARAGRAPH_ID = re.compile(r"(?:par|hd)_\w")  # others are of the page around the text
CONTENT_ID = "DisplayArea"
CODE_CLASS = re.compile(r"code|image|youtube")  # of a paragraph: lines of a program, a picture
SMALLEST_SHARE_OF_LETTERS = 0.7  # of all that is no white space
_CODE = re.compile(r"[{}\[\]<>=\\|_#$~^`]|\(\)|//|::|\w\.\w+\(|;$|\w:\w|\w\.\w+\.\w|[a-z][A-Z]\w*\(")


class HelpPage(HTMLParser):
    """Collects the paragraphs of a help page by their ids.

    Of texts that depend on the system ("Command" or "Ctrl"), the one for all other systems is taken. Not
    collected: what has no id or one that stands for two texts, a paragraph with a picture in its midst, one
    whose text depends on the program it is read in, and program code.

    Args:
        text: the HTML of the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.paragraphs: dict[str, str] = {}
        self._refused: set[str] = set()
        self._in_content = False
        self._tag = ""  # of the paragraph that is being read
        self._id = ""
        self._pieces: list[str] = []
        self._is_refused = False
        self._spans: list[str] = []  # "", "hidden", "switch" (no default yet) or "switched", of each open span
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a paragraph, or read on in one."""
        given = {name: value or "" for name, value in attrs}
        self._in_content = self._in_content or given.get("id") == CONTENT_ID
        if tag in PARAGRAPHS:
            self._end_paragraph()
            if self._in_content and PARAGRAPH_ID.match(given.get("id", "")):
                self._tag, self._id = tag, given["id"]
                self._is_refused = bool(CODE_CLASS.search(given.get("class", "")))
        elif self._tag and tag == "br":
            self._pieces.append(" ")
        elif self._tag and tag == "span":
            self._start_span(given)
        elif self._tag and tag in ("img", "table", "ul", "ol", "div", "pre"):
            self._is_refused = True

    def _start_span(self, given: dict[str, str]) -> None:
        kind = ""
        if given.get("class") == "switchinline":
            kind = "switch"
        elif "hidden" in given and given.get("id", "").startswith("default"):
            if self._spans and self._spans[-1] == "switch":
                self._spans[-1] = "switched"
        elif "hidden" in given:
            kind = "hidden"
        self._spans.append(kind)

    def handle_endtag(self, tag: str) -> None:
        """End what began."""
        if tag == "span" and self._spans:
            self._is_refused = self._is_refused or self._spans.pop() == "switch"
        elif tag == self._tag:
            self._end_paragraph()

    def handle_data(self, data: str) -> None:
        """Keep text that is seen."""
        if self._tag and "hidden" not in self._spans:
            self._pieces.append(data)

    def _end_paragraph(self) -> None:
        if self._tag and self._spans:
            self._is_refused = True  # a span is not closed: what is hidden is not known
        text = " ".join("".join(self._pieces).split())
        if self._tag and (self._is_refused or self.paragraphs.get(self._id, text) != text):
            self._refused.add(self._id)
            self.paragraphs.pop(self._id, None)
        elif self._tag and self._id not in self._refused:
            self.paragraphs[self._id] = text
        self._tag, self._id, self._pieces, self._is_refused, self._spans = "", "", [], False, []


def is_prose(text: str) -> bool:
    """Return whether a text is made of words, rather than of code, numbers or signs.

    Example:
        >>> is_prose("Choose Insert - Object (or press Ctrl+O)."), is_prose("=SUM(A1:A9)"), is_prose("45 %")
        (True, False, False)
    """
    dense = "".join(text.split())
    letters = sum(map(str.isalpha, dense))
    return letters > 1 and letters >= SMALLEST_SHARE_OF_LETTERS * len(dense) and not _CODE.search(text)


def help_pairs(source_folder: Path, target_folder: Path) -> list[tuple[str, str]]:
    """Return the paragraphs that two folders of help pages share, in the order of pages and paragraphs.

    Two paragraphs are the same where the path of the page below the folder, and their id, are. What is equal
    in both, and so not translated, is left out, and what is no prose in one of them.

    Args:
        source_folder: a folder of ``.html`` files, at any depth.
        target_folder: the same in the other language.

    Returns:
        ``(source, target)`` of each paragraph, white space made one space.
    """
    pairs = []
    for page in sorted(source_folder.rglob("*.html"), key=lambda page: page.relative_to(source_folder).as_posix()):
        other = target_folder / page.relative_to(source_folder)
        if other.is_file():
            sources, targets = (HelpPage(each.read_text("utf-8")).paragraphs for each in (page, other))
            pairs += [(text, targets[name]) for name, text in sources.items() if name in targets]
    return [pair for pair in pairs if pair[0].casefold() != pair[1].casefold() and all(map(is_prose, pair))]
