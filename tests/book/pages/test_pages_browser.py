"""Every page in a real browser, as a reader opens it: from a file, without a server or a network."""

import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import HTML, NARROW, WIDE
from small_book import ROOT

from tools.book.project import Book

PAGES = [*Book(ROOT).pages, "search"]
GRAVE = {"serious", "critical"}

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")


@dataclass
class Seen:
    """What a browser has to say of a page."""

    wrong: list[str] = field(default_factory=list)  # errors of scripts, and what could not be loaded
    elsewhere: list[str] = field(default_factory=list)  # requests to another host
    unfair_light: list[str] = field(default_factory=list)  # what axe-core found
    unfair_dark: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)  # what sticks out of a narrow screen


STICKS_OUT = """() => {
  const root = document.documentElement, width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  const held = element => {
    for (let up = element.parentElement; up; up = up.parentElement)
      if (up !== document.body && getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const wide = [...document.body.querySelectorAll("*")]
    .filter(element => element.getBoundingClientRect().right > width + 1 && !held(element));
  return [`${root.scrollWidth} px`, ...wide.slice(0, 3).map(element => element.outerHTML.slice(0, 160))];
}"""


SHORTENED = """() => {
  // what repeats is looked at often enough: words of one look in one place, rows of tables, letters of formulas
  const met = {};
  const look = element => `${element.tagName} ${element.className} ${element.getAttribute("style") || ""}`;
  const often = element => {
    let place = look(element);
    for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) place += ` in ${look(up)}`;
    return (met[place] = (met[place] || 0) + 1) > 3;
  };
  for (const body of document.querySelectorAll("tbody")) [...body.rows].slice(6).forEach(row => row.remove());
  for (const entry of [...document.querySelectorAll("dl.py")].slice(12)) entry.remove();
  for (const drawing of document.querySelectorAll("mjx-container svg *")) drawing.remove();
  const words = "span, code, em, strong, p, kbd, tbody td, rect, circle, line", named = "a, button, label, summary, th, h1, h2, h3, h4";
  for (const element of [...document.body.querySelectorAll(words)].reverse())
    if (!element.children.length && !element.matches("[id], [role], [tabindex], [title]") && !element.closest(named) && often(element))
      element.remove();
  const still = document.createElement("style");
  still.textContent = "* { transition: none !important; animation: none !important }";
  document.head.append(still);
}"""


def resized(sheet: Any, width: int) -> None:
    """Give a page another width, and wait until its scripts know."""
    sheet.set_viewport_size({"width": width, "height": 900})
    sheet.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def heard(sheet: Any, seen: Seen) -> None:
    """Write down what goes wrong from now on."""
    sheet.on("pageerror", lambda error: seen.wrong.append(str(error)))
    sheet.on("console", lambda said: said.type == "error" and seen.wrong.append(said.text))
    sheet.on("requestfailed", lambda request: seen.wrong.append(f"{request.url}: {request.failure}"))
    sheet.on(
        "request",
        lambda request: (
            urlsplit(request.url).scheme not in ("file", "data", "blob") and seen.elsewhere.append(request.url)
        ),
    )


def grave(sheet: Any, options: dict[str, Any]) -> list[str]:
    """What axe-core finds serious or critical: the rule, how often, and the first place."""
    from axe_playwright_python.sync_playwright import Axe

    quick = {"resultTypes": ["violations"], "preload": False}  # it would fetch every style again
    found = Axe().run(sheet, options=quick | options).response["violations"]
    return [
        f"{each['id']} ({len(each['nodes'])}): {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
        for each in found
        if each["impact"] in GRAVE
    ]


def look(browser: Any, page: str) -> Seen:
    """Look at a page wide and light with all of axe-core, in the dark for its contrasts, and narrow."""
    seen = Seen()
    sheet = browser.new_page(viewport={"width": WIDE, "height": 900})
    heard(sheet, seen)
    sheet.goto((HTML / f"{page}.html").as_uri(), wait_until="load")
    sheet.evaluate("window.MathJax && MathJax.startup ? MathJax.startup.promise : 0")
    resized(sheet, NARROW)
    seen.too_wide = sheet.evaluate(STICKS_OUT)
    resized(sheet, WIDE)
    sheet.evaluate(SHORTENED)
    seen.unfair_light = grave(sheet, {})
    sheet.evaluate("document.documentElement.dataset.theme = 'dark'")
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
    seen.unfair_dark = grave(sheet, contrast)
    sheet.close()
    return seen


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_for_everyone(page: str, browser) -> None:
    """Nothing goes wrong, nothing is asked of another host, everyone can use it, and it fits a telephone."""
    assert look(browser, page) == Seen()


HIDES = """() => [...document.querySelectorAll(".bd-article *")]
  .filter(element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX))
  .filter(element => element.clientWidth && element.scrollWidth > element.clientWidth + 2)
  .map(element => ({
    what: element.outerHTML.slice(0, 120), fades: getComputedStyle(element).maskImage !== "none", reached: element.tabIndex === 0,
  }))"""


@pytest.mark.parametrize("page", ["book/survey/ablations", "book/detectors/alad", "book/reference/api-models"])
def test_what_is_cut_at_the_edge_fades_out_and_can_be_reached(page: str, browser) -> None:
    sheet = browser.new_page(viewport={"width": NARROW, "height": 900})
    sheet.goto((HTML / f"{page}.html").as_uri(), wait_until="load")
    sheet.evaluate("window.MathJax && MathJax.startup ? MathJax.startup.promise : 0")
    sheet.wait_for_timeout(200)
    found = [each for each in sheet.evaluate(HIDES) if "mjx-" not in each["what"]]
    assert [each["what"] for each in found if not (each["fades"] and each["reached"])] == []
    assert len(found) > 3 or "api" in page
    # at its end there is nothing more to come
    first = ".bd-article .ganad-goes-on"
    if found:
        sheet.eval_on_selector(first, "element => { element.id = 'first'; element.scrollLeft = 1e5 }")
        sheet.wait_for_timeout(100)
        assert not sheet.eval_on_selector("#first", "element => element.classList.contains('ganad-goes-on')")
    sheet.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """The built pages."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[str]:
    """The pages on a port of this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=HTML)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_first_page_is_small(browser, served: str) -> None:
    """Bytes, not seconds: what a page weighs does not depend on the machine."""
    sheet = browser.new_page()
    sheet.goto(f"{served}/book/index.html", wait_until="load")
    weighed = "performance.getEntries().map(e => [e.name, e.encodedBodySize ?? 0, e.renderBlockingStatus])"
    entries = sheet.evaluate(weighed)
    sheet.close()
    blocking = sum(size for _, size, status in entries if status == "blocking")
    assert 0 < blocking < 1_500_000, entries


def test_search_finds_a_word(browser, served: str) -> None:
    sheet = browser.new_page()
    sheet.goto(f"{served}/search.html?q=prevalence", wait_until="load")
    sheet.wait_for_selector("#search-results li a", timeout=30_000)
    found = sheet.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    assert any("reference/notation" in link for link in found)
    sheet.close()


def test_a_term_says_what_it_means(browser) -> None:
    sheet = browser.new_page()
    sheet.goto((HTML / "book" / "detectors" / "egbad.html").as_uri(), wait_until="load")
    term = sheet.locator("a.ganad-term").first
    term.focus()
    assert sheet.locator("[role=tooltip]").inner_text() == term.get_attribute("data-tip")
    sheet.keyboard.press("Escape")
    assert not sheet.locator("[role=tooltip]").is_visible()
    sheet.close()


def test_drawings_are_dark_in_the_dark_and_photographs_stay(browser) -> None:
    sheet = browser.new_page(color_scheme="dark")
    sheet.goto((HTML / "book" / "detectors" / "egbad.html").as_uri(), wait_until="load")
    style = "image => [image.classList.contains('ganad-drawing'), getComputedStyle(image).filter.includes('invert')]"
    seen = sheet.eval_on_selector_all(".bd-article .cell_output img", f"images => images.map({style})")
    assert {tuple(each) for each in seen} == {(True, True), (False, False)}
    sheet.close()


def test_it_prints_on_white_without_what_is_pressed(browser) -> None:
    sheet = browser.new_page(color_scheme="dark")
    sheet.goto((HTML / "book" / "detectors" / "egbad.html").as_uri(), wait_until="load")
    assert sheet.get_by_role("button", name="Print").is_visible()
    sheet.evaluate("dispatchEvent(new Event('beforeprint'))")
    sheet.emulate_media(media="print")
    assert sheet.evaluate("document.documentElement.dataset.theme") == "light"
    assert not sheet.locator(".ganad-buttons, .bd-sidebar-primary").first.is_visible()
    assert sheet.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    sheet.close()
