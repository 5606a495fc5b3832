"""How long pages take to paint: the next question after a key, photos and people, beside an empty Streamlit page.

    PYTHONPATH=. python -m tests.bench.queue_page FOLDER [--faces 100000] [--people 2000] [--answers 100] [--rest 1]

FOLDER gets a drawn library (see drawn_library.py), unless it has one. Prints milliseconds: from the key or click
to the next question's faces, or the titles of the tiles, in the page; their pictures come later. rest: seconds
that somebody looks at a question before they answer it; with 0 the worker never has a processor for itself.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Error, Page, ViewportSize, sync_playwright

from tests.bench.drawn_library import make
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server
from tests.proxies import free_port

SIZE: ViewportSize = {"width": 1400, "height": 900}

QUESTION = """() => {
  const host = [...document.querySelectorAll('*')].find(element => element.shadowRoot?.querySelector('.stage'))
  return host ? host.shadowRoot.querySelector('.stage').innerHTML : ''
}"""
TURN = "() => document.querySelector('.turn')?.innerText"
CARDS = """() => [...document.querySelectorAll('*')].flatMap(element => element.shadowRoot
  ? [...element.shadowRoot.querySelectorAll('.card')].map(card => card.innerText) : []).join()"""


def painted(page: Page, act: Callable[[], object], shown: str = QUESTION) -> float:
    """Milliseconds from an act until what is shown is something else."""
    page.evaluate(f"() => {{ window.before = ({shown})() }}")
    started = time.perf_counter()
    act()
    page.wait_for_function(
        f"() => {{ const now = ({shown})(); return now && now !== window.before }}", polling="raf"
    )
    return (time.perf_counter() - started) * 1000


def pressed(page: Page, key: str, shown: str = QUESTION, rest: float = 0.0) -> float:
    page.wait_for_timeout(1000 * rest)
    return painted(page, lambda: page.keyboard.press(key), shown)


def opened(page: Page, name: str, shown: str | None = None) -> float:
    """Milliseconds from a click on a page's link to its title, or to what is shown there."""
    link = page.get_by_role("link", name=name, exact=True)
    if shown is not None:
        return painted(page, link.click, shown)
    started = time.perf_counter()
    link.click()
    page.get_by_role("heading", name=name).first.wait_for()
    return (time.perf_counter() - started) * 1000


def each_time(page: Page, name: str, times: int) -> list[float]:
    """Of opening a page of cards from one without."""
    found = []
    for _ in range(times):
        opened(page, "Recognise")
        page.wait_for_function(f"() => ({CARDS})() === ''", polling="raf")
        found.append(opened(page, name, CARDS))
    return found


@contextmanager
def empty_server() -> Iterator[str]:
    """A page of nothing but a button, by Streamlit alone."""
    port, script = free_port(), Path(__file__).with_name("empty_page.py")
    options = [
        "--server.address", "127.0.0.1", "--server.port", str(port), "--server.headless", "true",
        "--browser.gatherUsageStats", "false",
    ]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(script), *options])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def reach(page: Page, url: str) -> None:
    """Open the address as soon as somebody answers there."""
    for _ in range(100):
        with suppress(Error):
            page.goto(url)
            return
        page.wait_for_timeout(300)
    page.goto(url)


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
    parser.add_argument("--rest", type=float, default=1.0)
    options = parser.parse_args()
    make(options.folder, options.faces, options.people)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with empty_server() as url:
            page = browser.new_page(viewport=SIZE)
            reach(page, url)
            page.locator(".turn").wait_for()
            report("an empty page", [pressed(page, "s", TURN) for _ in range(options.answers)])
            page.close()
        with running_server(options.folder) as url:
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{url}/recognise")
            page.get_by_role("link", name="Name faces").wait_for()
            page.wait_for_timeout(20_000)  # the worker compares faces
            queue(page, options.answers, options.rest)
            pages(page, max(options.answers // 10, 3))
        browser.close()


def queue(page: Page, answers: int, rest: float) -> None:
    report("Name faces: first opening", [opened(page, "Name faces", QUESTION)])
    page.wait_for_timeout(2000)
    report("skip", [pressed(page, "s", rest=rest) for _ in range(answers)])
    report("yes, no or unknown", [pressed(page, "u", rest=rest) for _ in range(answers)])
    report("undo", [pressed(page, "z", rest=rest) for _ in range(answers // 2)])


def pages(page: Page, times: int) -> None:
    """Until the first tiles are there: their titles, not the pictures."""
    report("History", [opened(page, "History")])
    report("Photos", each_time(page, "Photos", times))
    search = page.get_by_role("textbox", name="Search")
    found = []
    for number in range(times):
        search.fill(str(11 + number))
        found.append(painted(page, lambda: search.press("Enter"), CARDS))
    report("Photos, another text", found)
    search.fill("")
    painted(page, lambda: search.press("Enter"), CARDS)
    report("Photos, by month", [painted(page, page.get_by_text("By month").click, CARDS)])
    report("Photos by month, opened again", each_time(page, "Photos", times))
    report("People", each_time(page, "People", times))


if __name__ == "__main__":
    main()
