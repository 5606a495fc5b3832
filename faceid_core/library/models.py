"""Trained recognisers; the newest one recognises."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from faceid_core.errors import NoModel, NotFound
from faceid_core.library.store.database import Database
from faceid_core.library.store.records import ModelView
from faceid_core.library.store.tables import TrainedModel


class Models:
    """Trained recognisers; the newest one recognises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        embedder: str,
        classes: list[str],
        metrics: dict[str, Any],
        threshold: float,
        labels: dict[str, int],
        artifact: str,
    ) -> int:
        """Store a trained recogniser, whose files are in the models folder under `artifact`. Returns its id."""
        model = TrainedModel(
            embedder=embedder,
            classes=classes,
            metrics=metrics,
            threshold=threshold,
            labels=labels,
            artifact=artifact,
        )
        with self._database.write() as session:
            session.add(model)
            session.flush()
            assert model.id is not None
            return model.id

    def all(self) -> list[ModelView]:
        """All recognisers, the newest first."""
        with self._database.read() as session:
            found = session.scalars(select(TrainedModel).order_by(col(TrainedModel.id).desc()))
            return [_model(row) for row in found]

    def latest(self) -> ModelView:
        """The newest recogniser. Raises NoModel."""
        with self._database.read() as session:
            row = session.scalars(select(TrainedModel).order_by(col(TrainedModel.id).desc()).limit(1)).first()
        if row is None:
            raise NoModel("No recogniser has been trained yet; name some people, then train one.")
        return _model(row)

    def get(self, model_id: int) -> ModelView:
        """One recogniser. Raises NotFound."""
        with self._database.read() as session:
            row = session.get(TrainedModel, model_id)
        if row is None:
            raise NotFound(f"There is no model {model_id}.")
        return _model(row)


def _model(row: TrainedModel) -> ModelView:
    assert row.id is not None
    return ModelView(row.id, row.at, row.embedder, row.classes, row.metrics, row.threshold, row.artifact)
