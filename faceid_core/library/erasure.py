"""Permanent erasure of rows, their traces in the journal, and the bytes in the file. It can't be undone.

Every connection has SQLite's secure_delete on, which overwrites freed content with zeros. Afterwards the files are
rebuilt, see store.compaction. Earlier backups are not touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select
from sqlmodel import Session, col

from faceid_core.errors import NotFound, OutOfDate
from faceid_core.library.drawn import AGAIN, check_faces
from faceid_core.library.store import event_faces, journal, model_cohorts, person_counts, traces, withholding
from faceid_core.library.store.compaction import OPENING_WAIT_SECONDS, Compaction
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.job_tables import Job
from faceid_core.library.store.person_tables import SavedSearch
from faceid_core.library.store.photo_tables import PersonOnPhoto
from faceid_core.library.store.records import DrawnFaces
from faceid_core.library.store.tables import (
    Face,
    Label,
    PairConstraint,
    Person,
    Photo,
    Rejection,
    Source,
    TrainedModel,
)
from faceid_core.library.store.traces import Traces
from faceid_core.library.written_names import forget_names
from faceid_core.settings import Settings
from faceid_core.values import LOCAL_OWNER, OPEN_JOBS, Role

BYTES_REMAIN = (
    "Another program is reading the library, so some erased data remains in the database files; it is removed the "
    "next time faceid opens the library while no other program is reading it."
)
"""The message after an erasure with bytes_remain."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is, or was, erased: faces with their pictures and vectors, photos (files on disk stay), rewritten
    events, and recognisers trained on the faces. bytes_remain: the erased data is no longer reachable, but some
    of its bytes remain in the database files until other programs stop reading them."""

    faces: int = 0
    photos: int = 0
    events: int = 0
    models: int = 0
    bytes_remain: bool = False


@dataclass(frozen=True, slots=True)
class ErasedTrace:
    """names: all names that the person ever had; faces: (id, sha256 of the photo). Ids are never reused."""

    names: frozenset[str] = frozenset()
    faces: frozenset[tuple[int, str]] = frozenset()


class _Cleaning:
    """Erases what lies outside the rows: recognisers, cached graphs, and bytes in the database files."""

    def __init__(self, compaction: Compaction, settings: Settings) -> None:
        self._compaction, self._settings = compaction, settings

    def announce(self) -> None:
        self._compaction.announce()

    def trim(self, session: Session, faces: Iterable[int]) -> list[str]:
        return model_cohorts.trim(session, self._settings.models_folder, faces)

    def purged(self, artifacts: Sequence[str]) -> None:
        self.clean_up(artifacts)

    def clean_up(self, artifacts: Iterable[str]) -> bool:
        """Delete the files. Returns whether no bytes remain."""
        model_cohorts.remove(self._settings.models_folder, artifacts)
        # Rebuilt on demand, without the faces.
        shutil.rmtree(self._settings.graphs_folder, ignore_errors=True)
        return self._compaction.finish()


class Erasing:
    """Permanently erases people, faces and photos. For owners only, including previews; others get NotAllowed."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._originals_folder, self._models_folder = settings.originals_folder, settings.models_folder
        self._compaction = Compaction(database, settings.library)
        # An editor may name a face of a person who refused. The deletions that follow run as the owner.
        self._cleaning = database.purging = _Cleaning(
            Compaction(database.acting_as(LOCAL_OWNER), settings.library), settings
        )

    @property
    def unfinished(self) -> bool:
        """Whether the database files may still contain erased data."""
        return self._compaction.pending

    def finish(self) -> bool:
        """Remove erased data that other programs kept in the files. Returns whether nothing is left."""
        self._database.actor.require(Role.OWNER)
        return not self.unfinished or self._compaction.finish(OPENING_WAIT_SECONDS)

    def trace(
        self, *, person: int | None = None, faces: Iterable[int] = (), photos: Iterable[int] = ()
    ) -> ErasedTrace:
        """Return what identifies, in backups, the data that an erasure is about to delete. Raises NotFound."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            names: frozenset[str] = frozenset()
            wanted = set(_present(session, Face, faces)) | _faces_on(session, photos)
            if person is not None:
                of = _traces_of_person(session, person)
                names, wanted = of.names, wanted | of.faces
            found: set[tuple[int, str]] = set()
            for chunk in chunks(wanted):
                rows = select(Face.id, Photo.sha256).join(Photo, col(Photo.id) == col(Face.photo_id))  # type: ignore[call-overload]
                found |= {tuple(row) for row in session.execute(rows.where(col(Face.id).in_(chunk)))}
        return ErasedTrace(names, frozenset(found))

    def person(
        self,
        person_id: int,
        *,
        preview: bool = False,
        seen: Erasure | None = None,
        summary: str = "Erased a person",
    ) -> Erasure:
        """Erase a person with all their faces, vectors, events and recognisers. seen: the preview that the user
        confirmed; summary: the entry in the history, which names nobody.

        Raises NotFound, OutOfDate if the preview is no longer right, or LibraryBusy; then nothing is erased.
        """

        def find(session: Session) -> _Going:
            return _Going(_traces_of_person(session, person_id))

        return self._erase(find, summary, preview, seen)

    def faces(
        self,
        ids: Iterable[int],
        *,
        preview: bool = False,
        seen: Erasure | None = None,
        drawn: DrawnFaces | None = None,
        summary: str = "Erased faces",
    ) -> Erasure:
        """Erase faces. Those that do not exist are skipped. seen: the preview that the user confirmed; drawn: the
        faces as they were shown. Raises LibraryBusy, OutOfDate."""
        wanted = {int(number) for number in ids}

        def find(session: Session) -> _Going:
            check_faces(session, sorted(wanted), drawn)
            return _Going(Traces(faces=frozenset(_present(session, Face, wanted))))

        return self._erase(find, summary, preview, seen)

    def photos(self, ids: Iterable[int], *, preview: bool = False, seen: Erasure | None = None) -> Erasure:
        """Erase photos with their faces from the library; the files stay where they are. seen: the preview that the
        user confirmed. Raises LibraryBusy, OutOfDate."""
        wanted = {int(number) for number in ids}

        def find(session: Session) -> _Going:
            there = _present(session, Photo, wanted)
            faces = _faces_on(session, there)
            return _Going(Traces(faces=frozenset(faces), photos=frozenset(there)), there)

        return self._erase(find, "Erased photos", preview, seen)

    def leftovers(self, *, preview: bool = False) -> Erasure:
        """Erase recognisers and job results that contain the name of an erased person: in earlier versions, a
        training that ran during the erasure could bring it back. Raises LibraryBusy."""
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            models, jobs = traces.of_nobody(session)
            strays = self._strays(session)
        if preview or not (models or jobs or strays):
            return Erasure(models=len(models))
        with self._database.write(Role.OWNER) as session:
            models, jobs = traces.of_nobody(session)
            self._compaction.announce()
            artifacts = [model.artifact for model in models]
            for model in models:
                session.delete(model)
            session.flush()
            trimmed = self._cleaning.trim(session, self._strays(session))
            for job in jobs:
                traces.forget(job)
            journal.note(session, journal.ERASED, "Erased what was left of somebody")
        remain = not self._cleaning.clean_up([*artifacts, *trimmed])
        return Erasure(models=len(artifacts), bytes_remain=remain)

    def _strays(self, session: Session) -> frozenset[int]:
        """Return faces in recognisers that are no longer in the library, or whose person refused."""
        found = model_cohorts.strays(session, self._models_folder)
        return frozenset(face for _, faces in found for face in faces)

    def _remove_originals(self, photos: Iterable[int]) -> None:
        """Delete copies made before names were written into photos: they may contain names from earlier runs."""
        for photo in set(photos):
            for copy in self._originals_folder.glob(f"*/{photo}.*"):
                copy.unlink(missing_ok=True)

    def _erase(
        self, find: Callable[[Session], _Going], summary: str, preview: bool, seen: Erasure | None
    ) -> Erasure:
        self._database.actor.require(Role.OWNER)
        with self._database.read() as session:
            found = _found(session, going := find(session))
        _check_seen(found, seen)
        if preview or not going:
            return found
        with self._database.write(Role.OWNER) as session:
            going = find(session)  # again: a face may have been named since
            photos = [*going.photos, *_photos_of(session, going.traces)]
            found, models = _found(session, going), _models_of(session, going.traces)
            _check_seen(found, seen)
            self._compaction.announce()
            for event, changes, left in list(traces.wiped(session, going.traces)):
                event.changes, event.summary = changes, left
                event_faces.note(session, event.id or 0, changes)
            _delete_rows(session, going, models)
            session.flush()
            for model in session.scalars(select(TrainedModel)):
                model.notes = going.traces.anonymous(model.notes)
            _forget_searches(session, going.traces)
            journal.note(session, journal.ERASED, summary)
            artifacts = [model.artifact for model in models]
            artifacts += self._cleaning.trim(session, going.traces.faces)
        self._remove_originals(photos)
        return replace(found, bytes_remain=not self._cleaning.clean_up(artifacts))


def _check_seen(found: Erasure, seen: Erasure | None) -> None:
    """Raise OutOfDate if the faces or photos to erase are not those that the user confirmed."""
    if seen is not None and (found.faces, found.photos) != (seen.faces, seen.photos):
        raise OutOfDate(
            f"This page was out of date: {found.faces:,} instead of {seen.faces:,} faces would be erased; {AGAIN}"
        )


def _forget_searches(session: Session, of: Traces) -> None:
    """Delete saved searches that ask for an erased person or contain their name."""
    for search in session.scalars(select(SavedSearch)).all():
        asked = {*search.query.get("people", ()), *search.query.get("without", ())}
        if asked & set(of.people) or of.anonymous(search.name) != search.name:
            session.delete(search)


@dataclass(frozen=True, slots=True)
class _Going:
    """What an erasure deletes: people and faces with their traces, and photos by id."""

    traces: Traces
    photos: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.traces.people or self.traces.faces or self.photos)


def _traces_of_person(session: Session, person_id: int) -> Traces:
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    faces = session.scalars(select(col(Label.face_id)).where(col(Label.person_id) == person_id)).all()
    return traces.of_person(session, person, faces)


def _faces_on(session: Session, photos: Iterable[int]) -> set[int]:
    faces: set[int] = set()
    for chunk in chunks({int(number) for number in photos}):
        found = session.scalars(select(col(Face.id)).where(col(Face.photo_id).in_(chunk)))
        faces |= {face for face in found if face is not None}
    return faces


def _present(session: Session, model: type[Face] | type[Photo], ids: Iterable[int]) -> list[int]:
    found: list[int] = []
    for chunk in chunks({int(number) for number in ids}):
        found += session.scalars(select(col(model.id)).where(col(model.id).in_(chunk)))
    return found


def _photos_of(session: Session, of: Traces) -> list[int]:
    """Return photos that show the people to erase."""
    found = list(
        session.scalars(select(col(PersonOnPhoto.photo_id)).where(col(PersonOnPhoto.person_id).in_(of.people)))
    )
    for chunk in chunks(of.faces if of.people else ()):
        found += session.scalars(select(col(Face.photo_id)).where(col(Face.id).in_(chunk)))
    return found


def _found(session: Session, going: _Going) -> Erasure:
    events = sum(1 for _ in traces.wiped(session, going.traces))
    faces, models = len(going.traces.faces), len(_models_of(session, going.traces))
    return Erasure(faces, len(going.photos), events, models)


def _models_of(session: Session, of: Traces) -> list[TrainedModel]:
    """Return recognisers that know a person to erase, or that may have been trained on a face to erase."""
    models = session.scalars(select(TrainedModel)).all()
    if of.people:
        return [model for model in models if of.names & set(model.classes)]
    named = _named_among(session, of.faces)
    return [model for model in models if named & set(model.classes)]


def _named_among(session: Session, faces: Iterable[int]) -> set[str]:
    names: set[str] = set()
    for chunk in chunks(faces):
        wanted = select(col(Person.name)).join(Label, col(Label.person_id) == col(Person.id))
        names |= set(session.scalars(wanted.where(col(Label.face_id).in_(chunk))))
    return names


def _delete_rows(session: Session, going: _Going, models: Collection[TrainedModel]) -> None:
    of, photos = going.traces, going.photos
    withholding.forget_derived(session, of.faces)
    for chunk in chunks(of.faces):
        for table in (Label, Rejection, PairConstraint):
            session.execute(delete(table).where(col(table.face_id).in_(chunk)))
        session.execute(delete(PairConstraint).where(col(PairConstraint.other_id).in_(chunk)))
        session.execute(delete(Face).where(col(Face.id).in_(chunk)))
    person_counts.forget_all(session)
    forget_names(session, of.names)
    for chunk in chunks(photos):
        session.execute(delete(Source).where(col(Source.photo_id).in_(chunk)))
        session.execute(delete(Photo).where(col(Photo.id).in_(chunk)))
    for person in of.people:
        session.execute(delete(Rejection).where(col(Rejection.person_id) == person))
        session.execute(delete(Person).where(col(Person.id) == person))
    for model in models:
        session.delete(model)
    _clean_jobs(session, of)


def _clean_jobs(session: Session, of: Traces) -> None:
    """Remove names from finished jobs: a training lists its people."""
    for job in session.scalars(select(Job).where(col(Job.state).not_in(OPEN_JOBS))):
        if traces.in_job(job, of):
            traces.forget(job)
