"""CPU time of a frame of the live camera, 640x480 with four drawn faces, on one core.

    python -m tests.bench.live_frames LIBRARY [--seconds 8]

LIBRARY: one with a recogniser, such as that of `faceid demo` after `faceid train`. The camera gets ten frames a
second of its own clock: first while the faces get their votes, then once all have them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps.recognise_live import Camera
from faceid_core.values import Image
from tests.bench.engine.common import table
from tests.bench.live_camera import draw_clip

RATE, SETTLING_S = 10, 5
"""Frames a second; seconds until four faces have their votes."""


class Clock:
    """The time of the frame, and the CPU time since it began: as if nothing else ran."""

    frame_s = 0.0
    began = 0.0

    def __call__(self) -> float:
        return self.frame_s + time.process_time() - self.began


def pictures(clip: Path) -> list[Image]:
    """The frames of a clip, (480, 640, 3)."""
    video, frames = cv2.VideoCapture(str(clip)), list[Image]()
    while (read := video.read())[0]:
        frames.append(np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), np.uint8))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--seconds", type=int, default=8)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with Library.open(Settings(library=given.library)) as library, tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.mjpeg")
        draw_clip(clip, [1, 2, 7, 4], 2)
        frames = pictures(clip)
        clock = Clock()
        camera = Camera(lambda: library, clock)
        spent, seen = [], []
        for number in range(given.seconds * RATE):
            clock.frame_s, clock.began = number / RATE, time.process_time()
            seen.append(len(camera.see(frames[number % len(frames)])))
            spent.append(1000 * (time.process_time() - clock.began))
    print(f"{np.mean(seen):.1f} faces a frame")
    parts = {"while the faces get their votes": spent[1 : SETTLING_S * RATE], "then": spent[SETTLING_S * RATE :]}
    rows = [(what, float(np.median(part)), float(np.quantile(part, 0.95))) for what, part in parts.items()]
    table("A frame of 640x480 with four faces, CPU ms", ("", "median", "95%"), rows)


if __name__ == "__main__":
    main()
