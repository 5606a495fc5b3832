"""The live camera in Chromium: frames per second, lag and wrong names, on drawn clips with ground truth.

    python -m tests.bench.live_camera LIBRARY [--seconds 20]

LIBRARY: one of `faceid demo`, whose people are named as drawn and for whom a recogniser is trained. The clips show
its people, known ones and strangers, as a file that Chromium takes for a camera. The number of each picture stands
in it as black and white cells, so that each answer is compared with who was where on that very frame.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from faceid_core.library import Library
from faceid_core.sample.canvas import REACH_UP, REACH_X, Shot
from faceid_core.sample.face import render
from faceid_core.sample.identity import invent
from faceid_core.sample.scene import BACKGROUNDS, BOX_DROP, BOX_SIDE
from faceid_core.settings import Settings
from faceid_core.values import Box
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server

SIZE, RATE, BITS, CELL_PX = (640, 480), 15, 10, 12
Truth = list[dict[str, Box]]

WATCH = """
(() => {
  const cells = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const plain = WebSocket.prototype.send
  window.answers = []
  WebSocket.prototype.send = function (blob) {
    if (!(blob instanceof Blob)) return plain.call(this, blob)
    const taken = performance.now()
    const read = createImageBitmap(blob, 0, 0, BITS * CELL, CELL).then(strip => {
      cells.drawImage(strip, 0, 0)
      const pixels = cells.getImageData(0, 0, BITS * CELL, CELL).data
      let number = 0
      for (let bit = 0; bit < BITS; bit++) {
        number = number * 2 + (pixels[4 * (CELL / 2 * BITS * CELL + bit * CELL + CELL / 2)] > 127 ? 1 : 0)
      }
      return number
    })
    this.addEventListener("message", event => {
      const shown = performance.now()
      read.then(number => window.answers.push({ number, taken, shown, ...JSON.parse(event.data) }))
    }, { once: true })
    return plain.call(this, blob)
  }
})()
""".replace("BITS", str(BITS)).replace("CELL", str(CELL_PX))


def draw_clip(file: Path, people: list[int], seconds: int, seed: int = 1) -> Truth:
    """A clip of people who sway, turn and smile, as MJPEG; for each frame who is where."""
    rng = np.random.default_rng(seed)
    ground, truth = BACKGROUNDS[0](SIZE, rng), []
    known = [invent(index, seed) for index in people]
    phases = rng.uniform(0, 6.28, (len(people), 5))
    with file.open("wb") as clip:
        for number in range(min(seconds * RATE, 2**BITS - 1)):
            frame, boxes = ground.copy(), {}
            for place, person in enumerate(known):
                wave = np.sin(phases[place] + number / RATE * np.array([0.9, 0.7, 1.3, 0.5, 0.8])).tolist()
                shot = Shot(yaw=0.3 * wave[0], pitch=0.1 * wave[1], smile=0.5 + 0.5 * wave[2], light=0.5 * wave[3])
                unit = SIZE[0] / (len(known) + 0.35) * 0.3
                unit = min(unit, 55.0) * (1 + 0.12 * float(wave[3]))
                x = SIZE[0] / (len(known) + 0.35) * (place + 0.67) + 0.25 * unit * wave[4]
                y = SIZE[1] * (0.46 + 0.05 * (-1) ** place) + 0.15 * unit * wave[1]
                figure = render(person, shot, unit, np.random.default_rng(place))
                frame.paste(figure, (round(x - REACH_X * unit), round(y - REACH_UP * unit)), figure)
                half, down = BOX_SIDE * unit, BOX_DROP * unit
                boxes[person.name] = Box(x - half, y + down - half, x + half, y + down + half)
            _number(frame, number)
            frame.save(clip, "jpeg", quality=92)  # one behind the other they are MJPEG
            truth.append(boxes)
    return truth


def _number(frame: Image.Image, number: int) -> None:
    pen = ImageDraw.Draw(frame)
    for bit in range(BITS):
        on = number >> (BITS - 1 - bit) & 1
        pen.rectangle((bit * CELL_PX, 0, (bit + 1) * CELL_PX - 1, CELL_PX), fill="white" if on else "black")


def watch(url: str, clip: Path, seconds: int, picture: Path | None = None) -> list[dict[str, Any]]:
    """The answers that the page Recognise gets within `seconds` with the clip for a camera."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={clip}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.add_init_script(WATCH)
        page.goto(f"{url}/recognise")
        page.get_by_role("tab", name="Live camera").click()
        page.get_by_role("button", name="Start").click()
        page.wait_for_function("window.answers.length > 10", timeout=60_000)
        page.evaluate("window.answers.length = 0")
        page.wait_for_timeout(seconds * 1000)
        if picture:
            page.screenshot(path=picture)
        answers: list[dict[str, Any]] = page.evaluate("window.answers")
        browser.close()
    return answers


def judge(answers: list[dict[str, Any]], truth: Truth, known: set[str]) -> dict[str, float]:
    """Figures of a run; a name is wrong where somebody else was, or a stranger."""
    counts = {"right": 0, "wrong": 0, "unknown": 0, "called unknown": 0, "looking": 0, "missed": 0}
    for answer in answers:
        there = truth[answer["number"] % len(truth)]
        seen = set()
        for face in answer["faces"]:
            overlap, who = max((box.iou(Box(*face["box"])), name) for name, box in there.items())
            seen.add(who)
            if face["state"] == "looking":
                counts["looking"] += 1
            elif face["state"] == "named":
                counts["right" if overlap > 0.2 and face["name"] == who else "wrong"] += 1
            else:
                counts["called unknown" if who in known else "unknown"] += 1
        counts["missed"] += len(there.keys() - seen)
    lags = [answer["shown"] - answer["taken"] for answer in answers]
    lasted = (answers[-1]["shown"] - answers[0]["shown"]) / 1000
    return {"frames/s": round((len(answers) - 1) / lasted, 1), "median lag ms": round(np.median(lags)),
            "p95 lag ms": round(np.quantile(lags, 0.95)), **counts}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("library", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("This bench needs Chromium (apt install chromium).")
    with Library.open(Settings(library=given.library)) as library:
        known = set(library.models.latest().classes)
    with tempfile.TemporaryDirectory() as folder, running_server(given.library) as url:
        for people in ([0, 3], [1, 2, 7, 4]):  # the third one of four is a stranger
            clip = Path(folder) / f"{len(people)}.mjpeg"
            truth = draw_clip(clip, people, given.seconds)
            picture = given.pictures / f"live-{len(people)}.png" if given.pictures else None
            print(len(people), "faces:", judge(watch(url, clip, given.seconds, picture), truth, known))


if __name__ == "__main__":
    main()
