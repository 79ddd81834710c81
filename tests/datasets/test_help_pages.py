"""Two pages are joined paragraph by paragraph; the pages are ours."""

from pathlib import Path

import pytest

from keras_seqkit.datasets._help_pages import HelpPage, help_pairs, is_prose

AROUND = """<html><head><title>Title</title></head><body><p id="par_0">Menu</p>
<div id="DisplayArea" itemscope="true">{}</div></body></html>"""


def paragraphs(content: str) -> dict[str, str]:
    return HelpPage(AROUND.format(content)).paragraphs


def system(kind: str, text: str, other: str = "Ctrl") -> str:
    default = f'<span hidden="true" id="default{kind}">{other}</span>' if other else ""
    shown = f'<span hidden="true" id="{kind}1" class="{kind}"><span class="emph">{text}</span></span>'
    return f'<span id="swln{kind}" class="switchinline">{shown}{default}</span>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<p id="par_1">One &amp; <a name="x"></a><b>two</b>\n  three.</p>', "One & two three."),
        ('<h2 id="par_1" dir="auto">A <span class="emph">bold</span> one</h2>', "A bold one"),
        ('<p id="par_1">Caf&eacute; one<br>two<br/>three</p>', "Café one two three"),
        ('<p id="par_1">Open <p>Unclosed</p>', "Open"),
        (f'<p id="par_1">Press {system("MAC", "Command")}+C.</p>', "Press Ctrl+C."),
        ('<p id="par_1">Twice</p><p id="par_1"> Twice </p>', "Twice"),
        ('<p id="par_1">2<sup>nd</sup> page</p>', "2nd page"),
    ],
)
def test_the_text_of_a_paragraph_is_what_is_read(content: str, expected: str) -> None:
    assert paragraphs(content) == {"par_1": expected}


@pytest.mark.parametrize(
    "content",
    [
        "<p>No id</p>",
        '<p id="bm_1">Of the page around</p>',
        '<p id="par_1" class="code">Print x</p>',
        '<p id="par_1">Click <img src="a.png" alt="Icon">.</p>',
        '<p id="par_1">One</p><p id="par_1">Another</p><p id="par_1">One</p>',
        f'<p id="par_1">Choose the {system("DRAW", "page", other="")}.</p>',
        '<p id="par_1">A <span>span without an end</p>',
        '<p id="par_1">Open <div>box</div></p>',
        '<p id="par_1">Never closed',
    ],
)
def test_what_is_not_sure_is_not_collected(content: str) -> None:
    assert paragraphs(content) == {}


def test_a_refused_paragraph_does_not_spoil_the_next() -> None:
    content = f'<p id="par_1">The {system("DRAW", "page", other="")}</p><p id="par_2">Good</p>'
    assert paragraphs(content) == {"par_2": "Good"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Choose Insert - Object, or press Ctrl+O (twice).", True),
        ("Selecione até 3 páginas.", True),
        ("O", False),
        ("", False),
        ("12 %", False),
        ("=SUM(A1:A3)", False),
        ("a_variable", False),
        ("com.sun.star.Thing", False),
        ("doSomething(x)", False),
        ("int x;", False),
        ("<tag> it", False),
    ],
)
def test_prose_is_told_from_code(text: str, expected: bool) -> None:
    assert is_prose(text) is expected


def test_paragraphs_pair_by_page_and_id(tmp_path: Path) -> None:
    pages = {
        "pt/a/one.html": '<p id="par_1">Um</p><p id="par_2">Igual</p><p id="par_3">Três</p><p id="par_5">Cinco</p>',
        "en/a/one.html": '<p id="par_3">Three</p><p id="par_2">IGUAL</p><p id="par_1">One</p><p id="par_5">x_y</p>',
        "pt/b.html": '<p id="par_1">Outra página</p>',
        "en/b.html": '<p id="par_1">Another page</p>',
        "pt/lone.html": '<p id="par_1">Sozinha</p>',
        "en/alone.html": '<p id="par_1">Alone</p>',
    }
    for name, content in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(AROUND.format(content), encoding="utf-8")
    expected = [("Um", "One"), ("Três", "Three"), ("Outra página", "Another page")]
    assert help_pairs(tmp_path / "pt", tmp_path / "en") == expected
