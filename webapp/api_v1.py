"""The stable addresses under /v1: who is in a picture, where faces are, their vectors, and who is the same person.
What is sent is looked at and forgotten. New fields may be added to the answers; none is removed or changes its
meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import IO, Annotated, Literal, TypeVar

import numpy as np
from fastapi import FastAPI, File, Query, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from faceid_core.errors import UnreadableImage
from faceid_core.settings import Settings
from faceid_core.steps import faces_of
from faceid_core.values import Image, Quality
from webapp.context import decoded, library, on_picture_thread, why_unreadable

Value = TypeVar("Value")
Picture = Annotated[UploadFile, File(description="A photo: JPEG, PNG, WebP, HEIC or another common format")]
Probability = Annotated[
    float | None, Query(ge=0, le=1, description="Lowest probability at which a face gets a name")
]
BOX: JsonValue = [412.0, 160.5, 588.0, 336.5]
CANDIDATE: JsonValue = {"name": "Bo", "probability": 0.01}
QUALITY: JsonValue = {"size": 1.0, "sharpness": 0.84, "pose": 0.97, "exposure": 0.91, "score": 0.92}
Box = Annotated[list[float], Field(description="Left, top, right and bottom in pixels of the upright photo")]


class Candidate(BaseModel):
    """Somebody whom the recogniser knows, and how probable it is that the face is theirs."""

    name: str
    probability: float


class Named(BaseModel):
    """A face with its name; null for somebody unknown. status: “known” or “unknown”, because a person may be called
    “unknown”. person_id: see /v1/people; also null for somebody who has been renamed since. probability: that this
    answer is right."""

    box: Box
    status: Literal["known", "unknown"]
    person_id: int | None
    name: str | None
    probability: float
    score: Annotated[float, Field(description="How sure the detector is that this is a face")]
    runners_up: list[Candidate]


class Recognition(BaseModel):
    """Everybody in the photo, from left to right; empty where no face was found."""

    photo: str | None
    faces: list[Named]
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "photo": "party.jpg",
                    "faces": [
                        {"box": BOX, "status": "known", "person_id": 3, "name": "Ada", "probability": 0.98,
                         "score": 0.91, "runners_up": [CANDIDATE]}
                    ],
                }
            ]
        }
    )  # fmt: skip


class Judged(BaseModel):
    """How well a face can be recognised; each part and the score are 0 (useless) to 1 (ideal)."""

    size: float
    sharpness: float
    pose: float
    exposure: float
    score: float


class Found(BaseModel):
    """A face: where it is, and how well it can be recognised."""

    box: Box
    score: Annotated[float, Field(description="How sure the detector is that this is a face")]
    landmarks: Annotated[list[list[float]], Field(description="x, y of both corners of each eye, and of the nose")]
    quality: Judged


class Detection(BaseModel):
    """All faces in the photo, from left to right; empty where no face was found."""

    width: int
    height: int
    faces: list[Found]
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "width": 1200,
                    "height": 800,
                    "faces": [
                        {"box": BOX, "score": 0.91, "landmarks": [[540.0, 210.0], [515.0, 211.0], [455.0, 213.0],
                         [480.0, 212.0], [498.0, 262.0]], "quality": QUALITY}
                    ],
                }
            ]
        }
    )  # fmt: skip


class Embedded(Found):
    """A face with its vector."""

    vector: list[float]


class Embedding(BaseModel):
    """All faces in the photo with their vectors. same_person: the Euclidean distance of this embedder's vectors
    below which two faces usually show the same person."""

    width: int
    height: int
    embedder: str
    same_person: float
    faces: list[Embedded]


class Verification(BaseModel):
    """Whether the largest faces of the two photos show the same person: the distance is below the threshold."""

    same_person: bool
    distance: float
    threshold: float
    embedder: str
    image: Found
    other: Found


def add_v1(api: FastAPI, settings: Settings) -> None:
    """The addresses that take pictures."""

    @api.post("/v1/detect", summary="Find the faces in a photo", tags=["v1"])
    async def detect(request: Request, image: Picture) -> Detection:
        """Where the faces are, and how well each can be recognised. Works without a recogniser."""
        return await on_picture_thread(request, partial(_read, image, settings, _detected))

    @api.post("/v1/embed", summary="Get a vector for each face in a photo", tags=["v1"])
    async def embed(request: Request, image: Picture) -> Embedding:
        """The vectors tell people apart: the closer two are, the likelier they are of the same person."""
        return await on_picture_thread(request, partial(_read, image, settings, _embedded))

    @api.post("/v1/verify", summary="Are two photos of the same person?", tags=["v1"])
    async def verify(request: Request, image: Picture, other: Picture) -> Verification:
        """Compares the largest face in each photo. Works without a recogniser, and nobody has to be named."""

        def act() -> Verification:
            one, two = (_read(each, settings, partial(_largest, name)) for each, name in _both(image, other))
            return _verified(one, two)

        return await on_picture_thread(request, act)

    @api.post("/v1/recognise", summary="Name the people in a photo", tags=["v1"])
    async def recognise(request: Request, image: Picture, threshold: Probability = None) -> Recognition:
        """Uses the recogniser in use. The name of unknown people is null."""
        faces = await on_picture_thread(request, partial(_read, image, settings, partial(_recognised, threshold)))
        return Recognition(photo=image.filename, faces=faces)


def _both(image: UploadFile, other: UploadFile) -> list[tuple[UploadFile, str]]:
    return [(image, "image"), (other, "other")]


def _read(image: UploadFile, settings: Settings, act: Callable[[Image], Value]) -> Value:
    """What `act` makes of the picture. Raises UnreadableImage in whole sentences, TooBusy."""
    source: IO[bytes] = image.file
    try:
        with decoded(source, settings) as photo:
            pixels = photo.pixels
            return act(pixels)
    except UnreadableImage as error:
        if isinstance(error, faces_of.NoFaceFound):
            raise
        raise type(error)(why_unreadable(error, "upload")) from error


def _recognised(threshold: float | None, pixels: Image) -> list[Named]:
    from faceid_core.steps.recognise import recognise

    return [Named.model_validate(face.as_dict()) for face in recognise(library(), pixels, threshold=threshold)]


def _found(face: faces_of.Face) -> Found:
    return Found(
        box=list(face.box.as_tuple()),
        score=face.score,
        landmarks=face.landmarks.tolist(),
        quality=_judged(face.quality),
    )


def _judged(quality: Quality) -> Judged:
    return Judged(**{name: getattr(quality, name) for name in Judged.model_fields})


def _detected(pixels: Image) -> Detection:
    found = faces_of.detect(library(), pixels)
    return Detection(width=pixels.shape[1], height=pixels.shape[0], faces=[_found(face) for face in found])


def _embedded(pixels: Image) -> Embedding:
    faces = faces_of.embed(library(), pixels)
    embedder, same_person = faces_of.space(library())
    found = [Embedded(**dict(_found(face)), vector=vector.tolist()) for face, vector in faces]
    height, width = pixels.shape[:2]
    return Embedding(width=width, height=height, embedder=embedder, same_person=same_person, faces=found)


def _largest(name: str, pixels: Image) -> tuple[faces_of.Face, np.ndarray]:
    return faces_of.largest(library(), pixels, name)


def _verified(one: tuple[faces_of.Face, np.ndarray], two: tuple[faces_of.Face, np.ndarray]) -> Verification:
    embedder, threshold = faces_of.space(library())
    distance = float(np.linalg.norm(one[1] - two[1]))
    return Verification(
        same_person=distance < threshold,
        distance=round(distance, 4),
        threshold=threshold,
        embedder=embedder,
        image=_found(one[0]),
        other=_found(two[0]),
    )
