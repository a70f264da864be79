"""The built pages: links, anchors, pictures, headings; and, where there is a browser, errors and width."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup
from small_book import ROOT

from ganad.book import Book

BOOK = Book(ROOT)
HTML = BOOK.folder / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TELEPHONE = 375  # pixels

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")
every_page = pytest.mark.parametrize("page", BOOK.pages)


@functools.cache
def soup(path: Path) -> BeautifulSoup:
    """A page, parsed."""
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def html(page: str) -> Path:
    """The file of a page."""
    return HTML / f"{page}.html"


def internal(reference: str) -> bool:
    """Whether a link stays in the book."""
    return bool(reference) and not urlsplit(reference).scheme and not reference.startswith("//")


def target(page: str, reference: str) -> Path:
    """The file a link on a page leads to."""
    return Path(os.path.normpath(html(page).parent / unquote(urlsplit(reference).path)))


@every_page
def test_page_is_there_with_title_language_and_headings(page: str) -> None:
    found = soup(html(page))
    assert found.title.get_text().strip()
    assert found.html["lang"]
    levels = [int(heading.name[1]) for heading in found.article.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(levels, levels[1:], strict=False)), levels


@every_page
def test_links_lead_somewhere(page: str) -> None:
    for link in soup(html(page)).find_all("a", href=internal):
        path, anchor = urldefrag(link["href"])
        file = target(page, path) if path else html(page)
        assert file.exists(), f"{link['href']} leads nowhere"
        if anchor and file.suffix == ".html":
            assert soup(file).find(attrs={"id": unquote(anchor)}), f"{link['href']}: no such anchor"


@every_page
def test_pictures_scripts_and_styles_are_there(page: str) -> None:
    found = soup(html(page))
    for kind, attribute in (("img", "src"), ("script", "src"), ("link", "href"), ("source", "src")):
        for element in found.find_all(kind, {attribute: internal}):
            assert target(page, element[attribute]).exists(), element[attribute]


@every_page
def test_every_picture_is_described(page: str) -> None:
    for picture in soup(html(page)).find_all("img"):
        alt = picture.get("alt", "").strip()
        assert alt, f"no alt text: {picture['src']}"
        assert not re.search(r"_images/|\.(?:png|svg|jpe?g)$", alt), f"a file's path is no description: {alt}"


@every_page
def test_nothing_of_the_machine_or_of_a_failure_shows(page: str) -> None:
    text = soup(html(page)).article.get_text()
    for trace in ("Traceback (most recent call last)", "site-packages", str(Path.home()), "E0000 00:00"):
        assert trace not in text


@every_page
def test_a_chapter_shows_its_outputs(page: str) -> None:
    if BOOK.notebook(page).exists():
        assert soup(html(page)).select(".cell_output")


def test_nothing_but_the_table_of_contents_is_published() -> None:
    made = {path.relative_to(HTML).with_suffix("").as_posix() for path in (HTML / "book").rglob("*.html")}
    assert made == set(BOOK.pages)


PROBE = """<!doctype html><body><script>
async function look(page) {
  const frame = document.createElement("iframe");
  frame.style.cssText = "border: 0; width: WIDTHpx; height: 900px";
  await new Promise(done => { frame.onload = done; frame.src = "/" + page + ".html"; document.body.append(frame); });
  await new Promise(done => setTimeout(done, 300));
  const root = frame.contentDocument.documentElement;
  const wide = [...frame.contentDocument.querySelectorAll("article *")]
    .filter(element => element.getBoundingClientRect().right > root.clientWidth + 1)
    .filter(element => !element.closest("pre, .cell_output, .pst-scrollable-table-container"))  // these scroll by themselves
    .map(element => element.outerHTML);
  const found = { width: root.scrollWidth, shown: root.clientWidth, first: (wide[0] || "").slice(0, 120) };
  frame.remove();
  return found;
}
(async () => {
  const report = {};
  for (const page of PAGES) report[page] = await look(page);
  const result = document.createElement("pre");
  result.id = "report";
  result.textContent = JSON.stringify(report);
  document.body.append(result);
})();
</script></body>"""


class _Pages(http.server.SimpleHTTPRequestHandler):
    """The built pages, and one that looks at the others."""

    def do_GET(self) -> None:
        if self.path != "/probe":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        page = PROBE.replace("WIDTH", str(TELEPHONE)).replace("PAGES", json.dumps(BOOK.pages))
        self.wfile.write(page.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The pages on a port of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Pages, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def seen(site: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, list[str]]:
    """All pages in a browser, as wide as a telephone: the measures, and what the scripts complained of."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    profile = tmp_path_factory.mktemp("browser")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
    options += ["--enable-logging=stderr", "--window-size=1200,1000", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run([browser, *options, f"{site}/probe"], capture_output=True, text=True, timeout=180)
    report = BeautifulSoup(done.stdout, "html.parser").find(id="report")
    assert report, done.stderr[-2000:]
    # a script from elsewhere cannot be had without a network: that is no fault of the page
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "Failed to load resource" not in line]
    return json.loads(report.get_text()), said


def test_scripts_run_without_errors(seen: tuple[dict, list[str]]) -> None:
    wrong = [line for line in seen[1] if re.search(r"Uncaught|[Ee]rror", line)]
    assert wrong == []


@every_page
def test_page_fits_a_telephone(page: str, seen: tuple[dict, list[str]]) -> None:
    measured = seen[0][page]
    assert measured["shown"] <= TELEPHONE
    assert measured["width"] <= measured["shown"], f"{measured['width']} px wide: {measured['first']}"
