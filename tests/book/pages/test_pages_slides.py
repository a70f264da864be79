"""The slides of the book in a real browser: nothing overflows, nothing is raw, nothing is asked of another host."""

import re
from pathlib import Path

import pytest
import small_book
from browser import HTML
from bs4 import BeautifulSoup

from tools.book import slides
from tools.book.project import Book

BOOK = Book(small_book.ROOT)
LIMIT = 8e6  # bytes, all decks together
LEAST = 0.65  # of the type's size: smaller cannot be read from behind

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")


@pytest.fixture(scope="module")
def folder() -> Path:
    """The slides of the book's pages."""
    return slides.make(BOOK, HTML).parent


def test_all_decks_together_are_small_and_have_no_raw_markup(folder: Path) -> None:
    made = list(folder.glob("*.html"))
    assert sum(path.stat().st_size for path in made) < LIMIT
    for path in made:
        shown = BeautifulSoup(path.read_text(), "html.parser").get_text()
        assert not re.search(r":::|\{(?:cite|admonition|term|eq|ref|bibliography)|\$\$|Solution \d", shown), path.name


PROBE = """() => Reveal.getSlides().map((slide, place) => {
  Reveal.slide(place);
  const body = slide.querySelector(".body"), box = slide.getBoundingClientRect();
  const out = [...body.querySelectorAll(":scope > *")].map((each) => each.getBoundingClientRect())
    .some((each) => each.right > box.right + 1 || each.bottom > box.bottom + 1);
  return {
    place, out, high: slide.scrollHeight, room: slide.clientHeight, scale: +body.style.getPropertyValue("--scale"),
    down: body.scrollHeight - body.clientHeight, across: body.scrollWidth - body.clientWidth,
    raw: /\\\\\\(|\\\\\\[/.test(body.innerText), broken: [...body.querySelectorAll("img")].some((i) => !i.naturalWidth),
  };
})"""


@pytest.mark.slow
@pytest.mark.parametrize("name", slides.decks(BOOK))
def test_a_deck_opens_and_nothing_overflows(name: str, folder: Path, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    wrong, asked = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == 1
    found = page.evaluate(PROBE)
    page.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(found) > 5
    for slide in found:
        assert slide["high"] <= slide["room"] == 720 and slide["down"] <= 1 and slide["across"] <= 1, slide
        assert not slide["out"] and not slide["raw"] and not slide["broken"] and slide["scale"] >= LEAST, slide


@pytest.mark.slow
def test_the_speaker_reads_what_a_slide_leaves_out(folder: Path, browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto((folder / "gan.html").as_uri() + "#/2")
    page.wait_for_selector("body[data-ready]", timeout=60_000)
    with page.expect_popup() as opened_by_key:
        page.keyboard.press("s")
    speaker = opened_by_key.value
    speaker.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value').innerText.includes('tell the two apart')"
    )
    assert "tell the two apart" not in page.evaluate("Reveal.getCurrentSlide().querySelector('.body').innerText")
    page.context.close()
