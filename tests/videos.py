"""Videos drawn for the tests: grey pictures that tell their time, and people of the sample album."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from faceid_core.media import images
from faceid_core.sample import Album

RATE = 10
"""Pictures a second."""


def write(path: Path, pictures: Iterable[np.ndarray], codec: str = "libx264", **options: Any) -> Path:
    """A video of (H, W, 3) uint8 pictures at RATE. options: of the encoder; created: time of the recording."""
    created, form = options.pop("created", None), options.pop("form", None)
    with av.open(str(path), "w", format=form) as container:
        if created:
            container.metadata["creation_time"] = created
        stream: Any = container.add_stream(codec, rate=RATE, options={key: str(options[key]) for key in options})
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        first, *others = pictures
        stream.height, stream.width = first.shape[:2]
        for picture in (first, *others):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    return path


def sound(path: Path) -> Path:
    """A second of silence."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def greys(seconds: float, side: int = 48) -> list[np.ndarray]:
    """Each picture is a little brighter than the one before."""
    number = round(seconds * RATE)
    return [np.full((side, side + 16, 3), 20 + 200 * place // number, np.uint8) for place in range(number)]


def faces(album: Album, side: int = 160) -> list[np.ndarray]:
    """The head of each person of the album, (side, side, 3), from the photo that shows it alone."""
    found: dict[str, np.ndarray] = {}
    for name, truth in album.photos.items():
        if len(truth) == 1 and truth[0].person not in found:
            box, pixels = truth[0].box, images.read(album.folder / name).pixels
            grown = [max(int(edge), 0) for edge in (box.left, box.top, box.right, box.bottom)]
            pad = int(box.width * 0.6)
            head = pixels[max(grown[1] - pad, 0) : grown[3] + pad, max(grown[0] - pad, 0) : grown[2] + pad]
            found[truth[0].person] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    return [found[person] for person in sorted(found)]


def scene(heads: Sequence[tuple[np.ndarray, int]], size: tuple[int, int] = (240, 480)) -> np.ndarray:
    """Heads at their place from the left, on grey."""
    picture = np.full((*size, 3), 128, np.uint8)
    for head, left in heads:
        picture[40 : 40 + head.shape[0], left : left + head.shape[1]] = head
    return picture


def two_people(album: Album, seconds: float = 4.0) -> list[np.ndarray]:
    """One stays on the left, the other walks from the right to the middle."""
    one, other = faces(album)[:2]
    steps = np.linspace(310, 170, round(seconds * RATE)).astype(int)
    return [scene([(one, 4), (other, left)]) for left in steps.tolist()]


def plain_pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
