"""Pictures of the page: ``python -m ui.screenshots [OUT]``.

Opens the sample archive with the real models in a page of its own, asks in both languages, and
takes what a reader of the README, or a designer, wants to see: Arabic and English, wide and phone,
light and dark, with the reader open, and the archive page. Needs the weights, Playwright and
Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.settings import load_settings
from ui.serve import listen

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
QUESTIONS = {
    "ar": "كم بلغ حجم التجارة بين الصين وروسيا في الأشهر الأربعة الأولى؟",
    "en": "How much did trade between China and Russia reach in the first four months?",
}
WIDE, PHONE = (1360, 850), (390, 800)
READY_SECONDS = 900
ANSWER_MS = 180_000


@dataclass(frozen=True)
class Picture:
    """One state of the page. ``panel``: with the first citation open in the reader."""

    name: str
    language: str
    size: tuple[int, int]
    scheme: str = "light"
    asks: bool = True
    panel: bool = False
    page: str = "ask"


PICTURES = (
    Picture("ar-start", "ar", WIDE, asks=False),
    Picture("ar-wide-panel", "ar", WIDE, panel=True),
    Picture("en-wide-panel", "en", WIDE, panel=True),
    Picture("ar-wide-dark-panel", "ar", WIDE, "dark", panel=True),
    Picture("en-wide-dark", "en", WIDE, "dark"),
    Picture("ar-phone", "ar", PHONE),
    Picture("ar-phone-panel", "ar", PHONE, panel=True),
    Picture("en-phone-dark", "en", PHONE, "dark"),
    Picture("ar-archive", "ar", WIDE, asks=False, page="archive"),
    Picture("en-archive-dark", "en", WIDE, "dark", asks=False, page="archive"),
    Picture("ar-settings", "ar", WIDE, asks=False, page="settings"),
)


@contextmanager
def served_samples(home: Path) -> Iterator[str]:
    """The address of a page over the samples, ready to be asked."""
    import uvicorn

    from ui.application import make_application
    from ui.desk import Desk

    desk = Desk(home, load_settings(home), demo=True)
    with listen("127.0.0.1", 0) as listener:
        application = make_application(desk)
        config = uvicorn.Config(application, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        desk.prepare()
        try:
            if not desk.wait(READY_SECONDS):
                raise RuntimeError(desk.preparation().error or "the page did not get ready")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)
            desk.close()


def take(browser: Any, address: str, picture: Picture, out: Path) -> Path:
    """Bring the page into the picture's state, in a fresh browser profile, and save it."""
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=picture.scheme,
        device_scale_factor=2 if picture.size == PHONE else 1,
    )
    page = context.new_page()
    page.set_default_timeout(ANSWER_MS)
    page.goto(f"{address}?lang={picture.language}")
    page.locator("#mu-box textarea").wait_for()
    page.wait_for_timeout(1500)  # notices and suggestions come with the first answer to the page
    if picture.asks:
        page.fill("#mu-box textarea", QUESTIONS[picture.language])
        page.press("#mu-box textarea", "Enter")
        page.locator(".mu-answer, .mu-declined, .mu-failure").first.wait_for()
    if picture.panel:
        page.locator("a.mu-chip").first.click()
        page.locator("#mu-reader mark").wait_for()
    if picture.page != "ask":
        page.click(f"#mu-{picture.page}-button")
        page.locator(f"#mu-{picture.page}-page").wait_for()
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(800)  # fonts and scrolling come to rest
    target = out / f"{picture.name}.png"
    page.screenshot(path=target)
    context.close()
    return target


def main() -> None:
    """Take all the pictures into a folder and print their paths."""
    parser = argparse.ArgumentParser(prog="python -m ui.screenshots", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--address", help="of a page that is already open, instead of the samples")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium).")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        if options.address:
            _all(browser, options.address, options.out)
        else:
            with served_samples(Path(home)) as address:
                _all(browser, address, options.out)
        browser.close()


def _all(browser: Any, address: str, out: Path) -> None:
    for picture in PICTURES:
        print(take(browser, address, picture, out))


if __name__ == "__main__":
    main()
