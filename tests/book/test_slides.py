"""The slides: what a page becomes; in a browser they are looked at by test_pages_slides.py."""

import io
import re
from pathlib import Path

import pytest
import small_book
from bs4 import BeautifulSoup
from rich.console import Console

from tools.book import pages, slides
from tools.book.project import Book, BookError
from tools.book.slides.layout import slides as laid_out
from tools.book.slides.outline import Part, parts, shown_on_purpose
from tools.book.slides.pieces import HEIGHT, Block, code, lists, paragraph, printed, tables

BOOK = Book(small_book.ROOT)

PAGE = """<html><body><article><section id="one"><h1>One: a start<a class="headerlink" href="#one">#</a></h1>
<p>First <em>of</em> all. Then more.</p>
<div class="cell tag_parameters"><div class="cell_input"><pre>epochs = 3\nrate = 1\nseed = 0</pre></div></div>
<section id="idea"><h2>The idea</h2><p>See <a href="two.html">two</a> and <a href="#one">above</a>.</p>
<div class="cell tag_hide-input"><details><div class="cell_input"><pre>secret = 1</pre></div></details>
<div class="cell_output"><img alt="a line" src="../_images/line.png" style="width: 99px"></div></div></section>
<section id="exercises"><h2>Exercises</h2>
<div class="tip admonition"><p class="admonition-title">Exercise 1: why</p><p>Why?</p></div>
<div class="dropdown admonition"><p class="admonition-title">Solution 1</p><p>Because.</p></div>
<div class="cell"><div class="cell_input"><pre>your_answer = 0\nprint(1)\nprint(2)</pre></div>
<div class="cell_output"><div class="output stream"><pre>not yet</pre></div></div></div></section>
<section id="references"><h2>References</h2><p>A book.</p></section></section></article></body></html>"""


def element(html: str):
    """The first element of some HTML."""
    return BeautifulSoup(html, "html.parser").find(True)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder of pages with book/one.html."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "one.html").write_text(PAGE)
    return tmp_path


def test_a_page_becomes_slides(page: Path) -> None:
    opening, idea, exercise = laid_out(parts(page, "book/one"))
    assert opening.opens and opening.title == "One: a start"
    assert "First <em>of</em> all." in opening.blocks[0].html
    assert idea.title == "The idea" and [block.kind for block in idea.blocks] == ["text", "picture"]
    assert exercise.title == "Exercise 1: why" and "Why?" in exercise.blocks[0].html
    everything = "".join(block.html + block.notes for slide in (opening, idea, exercise) for block in slide.blocks)
    for hidden in ("Because", "secret", "epochs", "A book", "not yet", "your_answer", "width: 99px"):
        assert hidden not in everything


def test_links_and_pictures_are_seen_from_the_slides(page: Path) -> None:
    text = "".join(block.html for slide in laid_out(parts(page, "book/one")) for block in slide.blocks)
    assert re.findall(r'(?:href|src)="([^"]+)"', text) == [
        "../book/two.html",
        "../book/one.html#one",
        "../_images/line.png",
    ]


def test_of_a_long_paragraph_the_first_sentences_are_shown_and_all_of_it_is_said() -> None:
    long = "The first sentence, e.g. this one, is short. " + "The next one " + "goes on and " * 20 + "ends."
    block = paragraph(element(f"<p>{long}</p>"))
    assert block.html == "<p>The first sentence, e.g. this one, is short.</p>"
    assert long in block.notes and not block.leads


def test_what_leads_to_a_formula_stays() -> None:
    block = paragraph(element("<p>" + "Much was said here before. " * 9 + "So we have:</p>"))
    assert block.html == "<p>So we have:</p>" and block.leads


def test_a_short_paragraph_needs_no_notes() -> None:
    assert paragraph(element("<p>If 1 &lt; 2, <code>a.b</code> is. Yes.</p>")).notes == ""


def test_a_long_list_is_parted_and_counts_on() -> None:
    made = list(lists(element("<ol>" + "<li><p>An item of a list of twenty.</p></li>" * 20 + "</ol>")))
    starts = [re.search(r'start="(\d+)"', block.html)[1] for block in made]
    counts = [block.html.count("<li>") for block in made]
    assert sum(counts) == 20 and len(made) > 1
    assert starts == [str(1 + sum(counts[:place])) for place in range(len(made))]


def rows(count: int, cell: str = "<td>1</td>") -> str:
    """A table's HTML."""
    return f"<table><thead><tr><th>head</th></tr></thead><tbody>{f'<tr>{cell}</tr>' * count}</tbody></table>"


@pytest.mark.parametrize(("count", "made", "shown"), [(5, 1, 5), (16, 2, 16), (90, 2, None)])
def test_a_long_table_is_parted_and_a_very_long_one_cut(count: int, made: int, shown: int | None) -> None:
    blocks = list(tables(element(rows(count))))
    assert len(blocks) == made and all("head" in block.html for block in blocks)
    assert all(block.height < HEIGHT * 1.35 for block in blocks)
    found = sum(block.html.count("<td>") for block in blocks)
    assert found == shown if shown else found < count and "goes on in the chapter" in blocks[-1].html


def test_a_table_is_not_cut_through_a_cell() -> None:
    group = '<tr><th rowspan="8">a</th><td>1</td></tr>' + "<tr><td>1</td></tr>" * 7
    few = [block.html.count("<tr>") for block in tables(element(f"<table><tbody>{group * 2}</tbody></table>"))]
    assert few == [8, 8]


def test_long_printed_words_wrap_and_a_wide_table_gets_smaller_type() -> None:
    (words,) = printed("word " * 40)
    assert max(map(len, BeautifulSoup(words.html, "html.parser").get_text().splitlines())) <= 72
    (table,) = printed("a  b " * 40)
    assert float(re.search(r"--size: ([\d.]+)px", table.html)[1]) < 12


def test_of_a_long_listing_the_start_is_shown() -> None:
    block = code("\n".join(f"a{line} = {line}" for line in range(40)))
    assert "a15" in block.html and "a16" not in block.html and "goes on" in block.html and "a39" in block.notes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a = f(x)\nb = g(a)\nc = h(b)", True),
        ("show(1)", False),
        ("plots.losses(h)\nx = 1\nplt.show()", False),
        ("import numpy\na = 1\nb = 2", False),
        ('a = 1\nprint(f"{a}")\nprint("b")', False),
        ("\n".join(["a = 1"] * 11), False),
    ],
)
def test_code_that_a_chapter_shows_for_itself(text: str, shown: bool) -> None:
    assert shown_on_purpose(text) is shown


def text(height: float = 60, leads: bool = False) -> Block:
    """A paragraph."""
    return Block("text", "<p>Some words.</p>", height, leads=leads)


def grouped(*blocks: Block) -> list[list[str]]:
    """The kinds of blocks on each slide of a section."""
    return [[block.kind for block in slide.blocks] for slide in laid_out([Part("Title", 2, list(blocks))])]


def test_nothing_is_higher_than_a_slide() -> None:
    blocks = [text(height) for height in (100, 250, 200, 90, 400, 130, 30)]
    found = laid_out([Part("Title", 2, blocks)])
    assert all(sum(block.height for block in slide.blocks) <= HEIGHT for slide in found)
    assert [block for slide in found for block in slide.blocks] == blocks


def test_a_text_stays_with_the_picture_below_it() -> None:
    picture = Block("picture", "<figure></figure>", 300)
    assert grouped(text(), picture, text(), picture) == [["text", "picture"], ["text", "picture"]]


def test_a_text_stays_with_the_formula_it_leads_to() -> None:
    formula = Block("math", "<div></div>", 400)
    assert grouped(text(200), text(leads=True), formula) == [["text"], ["text", "math"]]


def test_little_text_that_would_stand_alone_is_said() -> None:
    table = Block("table", "<table></table>", 500)
    (slide,) = laid_out([Part("Title", 2, [table, text(100)])])
    assert slide.blocks[-1].html == "" and "Some words." in slide.notes


def test_two_chapters_of_one_name_are_refused(tmp_path: Path, refused) -> None:
    book = Book(small_book.make(tmp_path))
    (tmp_path / "book" / "sub").mkdir()
    (tmp_path / "book" / "two.ipynb").rename(tmp_path / "book" / "sub" / "one.ipynb")
    (tmp_path / "_toc.yml").write_text(small_book.TOC.replace("book/two", "book/sub/one"))
    with refused(BookError, "book/one and book/sub/one", "one.html"):
        slides.decks(book)


def test_a_missing_page_is_refused(tmp_path: Path, refused) -> None:
    with refused(BookError, "no page of book/one", "make the pages first"):
        slides.make(Book(small_book.make(tmp_path)), tmp_path)


def test_notebooks_about_teaching_have_no_slides() -> None:
    assert set(slides.decks(BOOK).values()) == {
        chapter for chapter in BOOK.chapters if not chapter.startswith("book/teaching/")
    }


@pytest.mark.slow
def test_slides_are_made_once_and_again_when_a_page_changes(tmp_path: Path) -> None:
    book = Book(small_book.make(tmp_path))
    pages.build(book, Console(file=io.StringIO()))
    html = book.folder / "html"
    index = slides.make(book, html)
    first = (index.parent / "one.html").stat().st_mtime_ns
    assert (
        "one.html" in index.read_text()
        and 'href="../book/index.html"' in index.read_text()
        and not list(index.parent.glob(".*.part"))
    )
    slides.make(book, html)
    assert (index.parent / "one.html").stat().st_mtime_ns == first
    page = html / "book" / "one.html"
    page.write_text(page.read_text().replace("<h1>One", "<h1>Uno"))
    slides.make(book, html)
    assert "<h1>Uno</h1>" in (index.parent / "one.html").read_text()
