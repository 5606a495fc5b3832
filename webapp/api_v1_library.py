"""The stable addresses under /v1 for what is in the library: people and their pictures, and jobs.

What somebody may not see on the pages is not in the answers either. New fields may be added; none is removed or
changes its meaning.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from faceid_core.errors import InvalidName
from faceid_core.library import FaceView, JobView, PersonView, PhotoQuery, PhotoView
from faceid_core.values import Role
from faceid_core.wording import without_folders
from webapp.context import library, may
from webapp.markup import on_server

MOST = 500
"""Maximum number of entries in one answer; the next answer continues after them."""

Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=MOST, description=f"How many at most, up to {MOST}")]
After = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Continue after the one with this id")]
Name = Annotated[str | None, Query(max_length=100, description="Only the person with this name")]

PERSON: dict[str, Any] = {
    "id": 3, "name": "Ada", "faces": 12, "photos": 11, "birth_date": "1990-12-10",
    "picture": "/api/faces/17.jpg?portrait=true",
}  # fmt: skip
JOB: dict[str, Any] = {
    "id": 8, "kind": "train", "state": "running", "done": 3, "total": 10, "message": "Training", "error": None,
    "created_at": "2026-11-27T14:00:00Z", "started_at": "2026-11-27T14:00:01Z", "finished_at": None,
}  # fmt: skip


def _example(value: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class Person(BaseModel):
    """Somebody who has a name. picture: the address of a portrait; null where none is kept."""

    id: int
    name: str
    faces: int
    photos: int
    birth_date: date | None
    picture: str | None
    model_config = _example(PERSON)


class People(BaseModel):
    """People by their ids."""

    people: list[Person]
    model_config = _example({"people": [PERSON]})


class PersonFace(BaseModel):
    """A face of a person, and the addresses of its portrait and of its photo."""

    id: int
    photo_id: int
    box: Annotated[list[float], Field(description="Left, top, right and bottom in pixels of the upright photo")]
    quality: float
    picture: str
    photo: str


class PersonFaces(BaseModel):
    """Faces, the best pictures first."""

    faces: list[PersonFace]
    model_config = _example(
        {
            "faces": [
                {"id": 17, "photo_id": 5, "box": [412.0, 160.5, 588.0, 336.5], "quality": 0.92,
                 "picture": "/api/faces/17.jpg?portrait=true", "photo": "/api/photos/5.jpg"}
            ]
        }
    )  # fmt: skip


class PersonPhoto(BaseModel):
    """A photo that shows a person. taken_at: by its camera's clock."""

    id: int
    width: int
    height: int
    taken_at: datetime | None
    picture: str


class PersonPhotos(BaseModel):
    """Photos, the newest imports first."""

    photos: list[PersonPhoto]
    model_config = _example(
        {
            "photos": [
                {"id": 5, "width": 4000, "height": 3000, "taken_at": "2024-06-01T12:00:00",
                 "picture": "/api/photos/5.jpg"}
            ]
        }
    )  # fmt: skip


class Job(BaseModel):
    """Background work. state: queued, running, done, failed or cancelled; error: why it failed."""

    id: int
    kind: str
    state: str
    done: int
    total: int
    message: str
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    model_config = _example(JOB)


class Jobs(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job]
    model_config = _example({"jobs": [JOB]})


class Wanted(BaseModel):
    """A job to do, with the settings that the pages use."""

    kind: Annotated[
        Literal["cluster", "map", "train"],
        Field(description="In this order: group the faces, draw their map, train a recogniser"),
    ]
    model_config = _example({"kind": "train"})


def add_library(api: FastAPI) -> None:
    """The addresses."""
    _add_people(api)
    _add_jobs(api)


def _add_people(api: FastAPI) -> None:
    @api.get("/v1/people", summary="List the people", tags=["v1"])
    def people(name: Name = None, after: After = None, limit: Limit = 100) -> People:
        """In the order of their ids, which stay the same when somebody is renamed."""
        if name is not None:
            return People(people=_called(name))
        everybody = sorted(library().people.all(), key=lambda person: person.id)
        return People(people=[_person(each) for each in everybody if each.id > (after or 0)][:limit])

    @api.get("/v1/people/{person_id}", summary="Get one person", tags=["v1"])
    def person(person_id: Number) -> Person:
        """Somebody by their id."""
        return _person(library().people.get(person_id))

    @api.get("/v1/people/{person_id}/faces", summary="List the faces of a person", tags=["v1"])
    def faces(person_id: Number, after: After = None, limit: Limit = 60) -> PersonFaces:
        """With the addresses of their pictures; `size` there is the longer side in px."""
        library().people.get(person_id)
        return PersonFaces(faces=[_face(each) for each in library().faces.of_person(person_id, after, limit)])

    @api.get("/v1/people/{person_id}/photos", summary="List the photos of a person", tags=["v1"])
    def photos(person_id: Number, after: After = None, limit: Limit = 60) -> PersonPhotos:
        """With the addresses of their pictures; `size` there is the longer side in px."""
        library().people.get(person_id)
        found = library().photos.page(after, limit, query=PhotoQuery(people=(person_id,)))
        return PersonPhotos(photos=[_photo(each) for each in found])


def _add_jobs(api: FastAPI) -> None:
    @api.get("/v1/jobs", summary="List the newest jobs", tags=["v1"])
    def jobs(limit: Limit = 20) -> Jobs:
        """Including those that have ended."""
        return Jobs(jobs=[_job(each) for each in library().jobs.recent(limit)])

    @api.post("/v1/jobs", summary="Start a job", tags=["v1"])
    def submit(wanted: Wanted) -> Job:
        """Grouping and the map need an editor, training needs an owner. If the same job is already waiting, the
        answer is that one."""
        return _job(library().jobs.submit(wanted.kind, {}))

    @api.get("/v1/jobs/{job_id}", summary="See how far a job has got", tags=["v1"])
    def job(job_id: Number) -> Job:
        """Ask again every second or so, until its state is done, failed or cancelled."""
        return _job(library().jobs.get(job_id))

    @api.delete("/v1/jobs/{job_id}", summary="Cancel a job", tags=["v1"])
    def cancel(job_id: Number) -> Job:
        """A running job ends soon after; what it had finished is kept."""
        library().jobs.cancel(job_id)
        return _job(library().jobs.get(job_id))


def _person(person: PersonView) -> Person:
    cover = person.cover_face_id
    return Person(
        id=person.id,
        name=person.name,
        faces=person.faces,
        photos=person.photos,
        birth_date=person.birth_date,
        picture=None if cover is None else _portrait(cover),
    )


def _called(name: str) -> list[Person]:
    """Nobody for what can't be a name."""
    try:
        found = library().people.find(name)
    except InvalidName:
        return []
    return [_person(found)] if found else []


def _face(face: FaceView) -> PersonFace:
    return PersonFace(
        id=face.id,
        photo_id=face.photo_id,
        box=list(face.box.as_tuple()),
        quality=round(face.quality, 4),
        picture=_portrait(face.id),
        photo=on_server(f"/api/photos/{face.photo_id}.jpg"),
    )


def _photo(photo: PhotoView) -> PersonPhoto:
    return PersonPhoto(
        id=photo.id,
        width=photo.width,
        height=photo.height,
        taken_at=photo.taken_at,
        picture=on_server(f"/api/photos/{photo.id}.jpg"),
    )


def _portrait(face_id: int) -> str:
    return on_server(f"/api/faces/{face_id}.jpg?portrait=true")


def _job(job: JobView) -> Job:
    owner = may(Role.OWNER)
    return Job(
        id=job.id,
        kind=job.kind,
        state=job.state,
        done=job.done,
        total=job.total,
        message=job.message if owner else without_folders(job.message),
        error=job.error if owner or job.error is None else without_folders(job.error),
        created_at=_utc(job.created_at),
        started_at=job.started_at and _utc(job.started_at),
        finished_at=job.finished_at and _utc(job.finished_at),
    )


def _utc(moment: datetime) -> datetime:
    """The library's times are UTC without a zone."""
    return moment.replace(tzinfo=UTC)
