"""What the sections share: tables, CPU seconds, real photos."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from faceid_core import images


def table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) + " |")
    sys.stdout.flush()


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """The best of several runs, in CPU seconds."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def pixels_of(path: Path) -> np.ndarray:
    return images.read(path).pixels


def enlarged(path: Path, megapixels: float) -> Pillow.Image:
    """A real photo scaled to that many pixels: the shared photos with faces have 1 to 3 megapixels."""
    image = Pillow.fromarray(pixels_of(path))
    factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    return image.resize((round(image.width * factor), round(image.height * factor)), Pillow.Resampling.LANCZOS)


def group_photos(data: Path, number: int) -> list[Path]:
    return [*sorted((data / "family").glob("detection*.jpg")), *sorted((data / "groups").glob("*.jpg"))][:number]
