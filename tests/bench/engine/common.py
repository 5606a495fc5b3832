"""What the sections share: tables, CPU seconds, real photos."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from faceid_core.engine import bfloat16
from faceid_core.media import images
from faceid_core.settings import Settings

Work = Callable[[], object]


def table(title: str, head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row) + " |")
    sys.stdout.flush()


def seconds(work: Work, repeat: int = 3) -> float:
    """The best of several runs, in CPU seconds."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def fastest(works: dict[str, list[Work]], rounds: int) -> dict[str, float]:
    """CPU seconds of each, the sum of its parts at their best. All take turns, and parts of about the same length
    make it fair, as other programs on the machine slow down whatever runs meanwhile."""
    times = [{name: [seconds(part, 1) for part in parts] for name, parts in works.items()} for _ in range(rounds)]
    return {name: sum(map(min, zip(*(each[name] for each in times), strict=True))) for name in works}


def precisions(settings: Settings) -> list[Settings]:
    """The settings in floats, and in bfloat16 where this processor gains by it."""
    exact = settings.model_copy(update={"precision": "exact"})
    return [exact] if bfloat16.network("resnet", settings, threads=1) is None else [exact, settings]


def pixels_of(path: Path) -> np.ndarray:
    return images.read(path).pixels


def enlarged(path: Path, megapixels: float) -> Pillow.Image:
    """A real photo scaled to that many pixels: the shared photos with faces have 1 to 3 megapixels."""
    image = Pillow.fromarray(pixels_of(path))
    factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
    return image.resize((round(image.width * factor), round(image.height * factor)), Pillow.Resampling.LANCZOS)


def group_photos(data: Path, number: int) -> list[Path]:
    return [*sorted((data / "family").glob("detection*.jpg")), *sorted((data / "groups").glob("*.jpg"))][:number]
