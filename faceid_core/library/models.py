"""Trained recognisers. The one trained or activated last is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from faceid_core.errors import BadInput, ErasedMeanwhile, NoModel, NotFound
from faceid_core.library.store import journal, model_cohorts
from faceid_core.library.store.database import Database, chunks
from faceid_core.library.store.records import Act, ModelView, NamedFaces
from faceid_core.library.store.row_changes import Change, row_of
from faceid_core.library.store.tables import Event, Label, Person, TrainedModel
from faceid_core.library.store.withholding import withheld_among
from faceid_core.values import Role
from faceid_core.wording import count

ERASED_MEANWHILE = "A person was erased while the recogniser was being trained; train again."

LONGEST_NOTES = 2000


class Models:
    """Trained recognisers. The one trained or activated last is in use."""

    def __init__(self, database: Database, models_folder: Path) -> None:
        self._database, self._folder = database, models_folder

    def add(
        self,
        embedder: str,
        classes: list[str],
        metrics: dict[str, Any],
        threshold: float,
        labels: dict[str, int],
        artifact: str,
        *,
        learned: NamedFaces | None = None,
    ) -> int:
        """Store a trained recogniser, whose files are in the models folder under `artifact`. Returns its id.

        learned: the training data. Raises ErasedMeanwhile if part of it, or a face that the model stores besides
        its people, has been erased since it was read.
        """
        model = TrainedModel(
            embedder=embedder,
            classes=classes,
            metrics=metrics,
            threshold=threshold,
            labels=labels,
            artifact=artifact,
        )
        with self._database.write(Role.OWNER) as session:
            model.precedence = _highest(session) + 1
            if learned is not None:
                _refuse_erased(session, learned)
                _refuse_withheld(session, learned)
            session.add(model)
            session.flush()
            if any(own is model for own, _ in model_cohorts.strays(session, self._folder)):
                raise ErasedMeanwhile(ERASED_MEANWHILE)
            assert model.id is not None
            return model.id

    def forget_gone_faces(self) -> None:
        """Remove faces from the recognisers that the library no longer has because photos were searched again."""
        self._database.actor.require(Role.EDITOR)
        with self._database.read() as session:
            if not any(True for _ in model_cohorts.strays(session, self._folder)):
                return
        with self._database.write() as session:
            gone = [face for _, faces in model_cohorts.strays(session, self._folder) for face in faces]
            former = model_cohorts.trim(session, self._folder, gone)
        model_cohorts.remove(self._folder, former)

    def problems(self) -> list[str]:
        """Return one sentence for each recogniser with vectors of faces that no longer exist."""
        with self._database.read() as session:
            return [
                f"A recogniser (number {model.id}) holds vectors of {count(len(faces), 'face')} that the library "
                "no longer has, or of somebody who refused; run `faceid erase leftovers`."
                for model, faces in model_cohorts.strays(session, self._folder)
            ]

    def all(self) -> list[ModelView]:
        """Return all recognisers, newest first."""
        with self._database.read() as session:
            found = session.scalars(select(TrainedModel).order_by(col(TrainedModel.id).desc())).all()
            active = _active(session)
            return [_model(row, active) for row in found]

    def latest(self) -> ModelView:
        """Return the recogniser in use: the one trained or activated last. Raises NoModel."""
        with self._database.read() as session:
            row = _active(session)
            if row is None:
                raise NoModel("No recogniser has been trained yet; name some people, then train one.")
            return _model(row, row)

    def get(self, model_id: int) -> ModelView:
        """Return a recogniser. Raises NotFound."""
        with self._database.read() as session:
            return _model(_found(session, model_id), _active(session))

    def activate(self, model_id: int) -> Act:
        """Use this recogniser from now on. Raises NotFound."""
        with self._database.write(Role.OWNER) as session:
            row, active = _found(session, model_id), _active(session)
            before = row_of(row)
            after = {**before, "precedence": _highest(session) + 1}
            changes = [] if row is active else [Change("trainedmodel", before, after)]
            return Act(journal.record(session, "activate", f"Activated recogniser {model_id}", changes))

    def set_threshold(self, model_id: int, threshold: float) -> Act:
        """Set the minimum probability for giving a name. Raises NotFound, BadInput."""
        if not 0 < threshold < 1:
            raise BadInput("Choose a threshold between 0 and 1.")
        with self._database.write(Role.OWNER) as session:
            before = row_of(_found(session, model_id))
            after = {**before, "threshold": float(threshold)}
            changes = [Change("trainedmodel", before, after)] if after != before else []
            summary = f"Set the threshold of recogniser {model_id} to {threshold:.3f}"
            return Act(journal.record(session, "threshold", summary, changes))

    def note(self, model_id: int, notes: str) -> ModelView:
        """Replace the notes on a recogniser. Raises NotFound, BadInput."""
        if len(notes) > LONGEST_NOTES:
            raise BadInput(f"Notes may have {LONGEST_NOTES:,} characters at most; shorten them.")
        with self._database.write(Role.OWNER) as session:
            row = _found(session, model_id)
            row.notes = notes.strip()
            session.flush()
            return _model(row, _active(session))

    def delete(self, model_id: int) -> None:
        """Delete a recogniser and its files, which can't be undone. If it was in use, the previous one takes over.
        Raises NotFound."""
        with self._database.write(Role.OWNER) as session:
            row = _found(session, model_id)
            artifact = row.artifact
            session.delete(row)
            journal.note(session, journal.REMOVED, f"Deleted recogniser {model_id}")
        model_cohorts.remove(self._folder, [artifact])


def _active(session: Session) -> TrainedModel | None:
    order = (col(TrainedModel.precedence).desc(), col(TrainedModel.id).desc())
    return session.scalars(select(TrainedModel).order_by(*order).limit(1)).first()


def _highest(session: Session) -> int:
    return session.scalar(select(func.max(col(TrainedModel.precedence)))) or 0


def _found(session: Session, model_id: int) -> TrainedModel:
    row = session.get(TrainedModel, model_id)
    if row is None:
        raise NotFound(f"There is no recogniser {model_id}; choose another one on the page Train.")
    return row


def _refuse_erased(session: Session, learned: NamedFaces) -> None:
    """Raise ErasedMeanwhile if training data was erased. People renamed, merged or deleted during the training may
    be in the recogniser. But after an erasure, each face must still have the name it had when it was read."""
    erased = select(Event.id).where(col(Event.kind) == journal.ERASED, col(Event.id) > learned.as_of)  # type: ignore[call-overload]
    if session.execute(erased.limit(1)).first() is None:
        return
    there: set[tuple[int, int, str]] = set()
    for chunk in chunks(learned.ids.tolist()):
        rows = select(Label.face_id, Person.id, Person.name).join(Person, col(Person.id) == col(Label.person_id))  # type: ignore[call-overload]
        there |= {tuple(row) for row in session.execute(rows.where(col(Label.face_id).in_(chunk)))}
    if not there.issuperset(zip(learned.ids.tolist(), learned.people.tolist(), learned.names, strict=True)):
        raise ErasedMeanwhile(ERASED_MEANWHILE)


def _refuse_withheld(session: Session, learned: NamedFaces) -> None:
    if withheld_among(session, learned.ids.tolist()):
        raise ErasedMeanwhile("A person refused consent while the recogniser was being trained; train again.")


def _model(row: TrainedModel, active: TrainedModel | None) -> ModelView:
    assert row.id is not None
    return ModelView(
        row.id,
        row.at,
        row.embedder,
        row.classes,
        row.metrics,
        row.threshold,
        row.artifact,
        row.notes,
        row is active,
        row.labels,
    )
