"""A real browser for the tests of the pages, and pictures of every page.

``python tests/browser.py [PAGE ...]`` takes the pictures: narrow and wide, light and dark, into ``_build/shots``.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from small_book import ROOT

from tools.book.project import Book

HTML = Book(ROOT).folder / "html"
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
NARROW, WIDE = 360, 1280
MODES = ("light", "dark")
AT_A_TIME = 3
TALLEST = 16_000  # pixels: more than this, and Chromium repeats the picture


def launched() -> dict[str, Any]:
    """How to start the system's browser or, if there is none, Playwright's own."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return {"executable_path": found, "args": [*OPTIONS, "--disable-sync"]}


@contextmanager
def opened() -> Iterator[Any]:
    """A browser; where there is none the test is skipped, and in CI it fails."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(**launched())
        except api.Error as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


async def _shoot(browser: Any, page: str, width: int, mode: str, folder: Path) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=mode, reduced_motion="reduce"
    )
    sheet = await context.new_page()
    await sheet.goto((HTML / f"{page}.html").as_uri(), wait_until="load")
    await sheet.evaluate("window.MathJax && MathJax.startup ? MathJax.startup.promise : 0")
    await sheet.evaluate("for (const image of document.images) image.loading = 'eager'")
    height = min(await sheet.evaluate("document.documentElement.scrollHeight"), TALLEST)
    name = f"{page.removeprefix('book/').replace('/', '_')}-{width}-{mode}.jpeg"
    clip = {"x": 0, "y": 0, "width": width, "height": height}
    await sheet.screenshot(path=folder / name, full_page=True, clip=clip, animations="disabled")
    await context.close()


async def shots(pages: list[str], folder: Path) -> None:
    """Take the pictures, several pages at a time."""
    from playwright.async_api import async_playwright

    folder.mkdir(parents=True, exist_ok=True)
    turns = asyncio.Semaphore(AT_A_TIME)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launched())

        async def one(page: str, width: int, mode: str) -> None:
            async with turns:
                await _shoot(browser, page, width, mode, folder)

        await asyncio.gather(*(one(*each) for each in product(pages, (NARROW, WIDE), MODES)))
        await browser.close()


if __name__ == "__main__":
    started = time.time()
    asked = sys.argv[1:] or Book(ROOT).pages
    asyncio.run(shots(asked, HTML.parent.parent / "shots"))
    print(f"{len(asked) * 4} pictures in _build/shots, {time.time() - started:.0f} s")
