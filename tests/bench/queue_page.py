"""How long the page Name faces takes to paint the next question after a key, beside an empty Streamlit page.

    PYTHONPATH=. python -m tests.bench.queue_page FOLDER [--faces 100000] [--people 2000] [--answers 100]

FOLDER gets a drawn library (see drawn_library.py), unless it has one. Prints milliseconds: from the key to the next
question's faces in the page.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.bench.drawn_library import make
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server

FACES = """() => {
  const host = [...document.querySelectorAll('*')].find(element => element.shadowRoot?.querySelector('.stage'))
  return host ? host.shadowRoot.querySelector('.stage').innerHTML : ''
}"""


def painted(page: Page, key: str) -> float:
    """Milliseconds from a key to another question."""
    before = page.evaluate(FACES)
    page.evaluate("before => { window.before = before }", before)
    started = time.perf_counter()
    page.keyboard.press(key)
    page.wait_for_function(
        f"() => {{ const now = ({FACES})(); return now && now !== window.before }}", polling="raf"
    )
    return (time.perf_counter() - started) * 1000


def switched(page: Page, link: str, text: str) -> float:
    """Milliseconds from a click on a page's link to its title."""
    started = time.perf_counter()
    page.get_by_role("link", name=link).click()
    page.get_by_role("heading", name=text).wait_for()
    return (time.perf_counter() - started) * 1000


def report(what: str, times: list[float]) -> None:
    worst = sorted(times)[int(0.95 * (len(times) - 1))]
    print(
        f"{what:32} median {statistics.median(times):7.0f} ms   p95 {worst:7.0f} ms   of {len(times)}", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--answers", type=int, default=100)
    options = parser.parse_args()
    make(options.folder, options.faces, options.people)
    with running_server(options.folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{url}/recognise")
        page.get_by_role("link", name="Name faces").wait_for()
        page.wait_for_timeout(3000)
        started = time.perf_counter()
        page.get_by_role("link", name="Name faces").click()
        page.get_by_role("button", name="Skip").wait_for(timeout=120_000)
        report("first opening", [(time.perf_counter() - started) * 1000])
        page.wait_for_timeout(2000)
        report("skip", [painted(page, "s") for _ in range(options.answers)])
        report("yes, no or unknown", [painted(page, "u") for _ in range(options.answers)])
        report("undo", [painted(page, "z") for _ in range(options.answers // 2)])
        report("another page (History)", [switched(page, "History", "History") or 0 for _ in range(1)])
        browser.close()


if __name__ == "__main__":
    main()
