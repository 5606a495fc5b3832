"""What a recogniser was made from and how good it is, to read (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

FORMAT = "faceid-model-card"

RECIPE_WORDS = {"imprinted": "imprint", "head": "head", "network": "fine-tune"}

Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RatesAt:
    """tpir, fpir: at a threshold, as shares; None where they were not measured."""

    tpir: float | None
    fpir: float | None


def rates_at(metrics: Mapping[str, Any], threshold: float) -> RatesAt:
    """At the threshold that was measured, or, where another one is in use, at the stored one that is nearest to it.
    metrics: see `card`."""
    tested = metrics.get("valid_faces") != 0
    measured = RatesAt(metrics.get("tpir") if tested else None, metrics.get("fpir"))
    points = list(metrics.get("points") or ())
    if not points or abs(metrics.get("threshold", threshold) - threshold) < 1e-6:
        return measured
    near = min(points, key=lambda point: abs(point["threshold"] - threshold))
    return RatesAt(near["tpir"], near["fpir"])


class Trained(Protocol):
    """What a card is made of: library.ModelView."""

    @property
    def classes(self) -> Sequence[str]:
        """The people."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """TrainReport.as_dict()."""

    @property
    def at(self) -> datetime:
        """When it was trained, UTC."""

    @property
    def embedder(self) -> str:
        """The full name of its vectors."""

    @property
    def threshold(self) -> float:
        """The one in use, a probability."""


def card_of(model: Trained) -> Card:
    """The card of a stored recogniser."""
    return card(model.classes, model.metrics, trained=model.at, embedder=model.embedder, threshold=model.threshold)


def card(
    classes: Sequence[str], metrics: Mapping[str, Any], *, trained: datetime, embedder: str, threshold: float
) -> Card:
    """As plain values for JSON. metrics: TrainReport.as_dict(); of a recogniser of before, less is known.

    People who could not be tested have recall None.
    """
    counts = list(metrics.get("by_person") or ())
    people = [{"name": name, **_person(each)} for name, each in zip(classes, counts, strict=False)]
    tested, rates = bool(metrics.get("valid_faces")), rates_at(metrics, threshold)
    return {
        "format": FORMAT,
        "version": 1,
        "trained": trained.isoformat(timespec="seconds"),
        "faceid": metrics.get("version") or None,
        "recipe": RECIPE_WORDS.get(metrics.get("kept", "")),
        "embedder": embedder,
        "data": {
            "people": len(classes),
            "train_faces": metrics.get("train_faces"),
            "test_faces": metrics.get("valid_faces"),
            "cohort_faces": metrics.get("cohort"),
            "strangers": metrics.get("strangers"),
            "digest": metrics.get("dataset") or None,
        },
        "threshold": threshold,
        "results": {
            "accuracy": metrics.get("accuracy") if tested else None,
            "tpir": rates.tpir if tested else None,
            "fpir": rates.fpir,
            "calibration_error": metrics.get("calibration_error"),
        },
        "compared": [
            {**each, "recipe": RECIPE_WORDS.get(each["recipe"], each["recipe"])}
            for each in metrics.get("compared") or ()
        ],
        "operating_points": list(metrics.get("points") or ()),
        "people": people or [{"name": name} for name in classes],
    }


def _person(counts: Mapping[str, int]) -> Card:
    tested, named = counts["tested"], counts["right"] + counts["taken"]
    return {
        "faces": counts["faces"],
        "photos": counts["photos"],
        "tested": tested,
        "recall": counts["right"] / tested if tested else None,
        "precision": counts["right"] / named if named else None,
    }


def as_markdown(found: Card) -> str:
    """The card as a page of text with tables."""
    data, results = found["data"], found["results"]
    facts = {
        "Trained": found["trained"].replace("T", " "),
        "faceid": found["faceid"] or "unknown",
        "Recipe": found["recipe"] or "unknown",
        "Face network": found["embedder"],
        "People": data["people"],
        "Faces learned from": _or_unknown(data["train_faces"]),
        "Faces tested with": _or_unknown(data["test_faces"]),
        "Other people's faces to compare with": _or_unknown(data["cohort_faces"]),
        "Strangers tested with": _or_unknown(data["strangers"]),
        "Digest of faces and names": (data["digest"] or "unknown")[:16],
        "Threshold": f"{found['threshold']:.2f}",
        "Named correctly": _share(results["accuracy"]),
        "Known faces recognised at the threshold (TPIR)": _share(results["tpir"]),
        "Unknown faces misnamed at the threshold (FPIR)": _share(results["fpir"]),
        "Calibration error (average gap between probability and share correct)": _share(
            results["calibration_error"]
        ),
    }
    parts = ["# Recogniser", "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())]
    if len(found["compared"]) > 1:
        parts += ["", "## Recipes on the same held-out faces", ""]
        parts += ["| Recipe | Named correctly | TPIR at 1% FPIR | TPIR at 0.1% FPIR |", "|---|---|---|---|"]
        parts += [_recipe_row(each) for each in found["compared"]]
    if found["operating_points"]:
        parts += ["", "## Thresholds", "", "| Unknown faces misnamed | Threshold | Known faces recognised |"]
        parts += ["|---|---|---|", *map(_point_row, found["operating_points"])]
    parts += ["", "## People", "", "| Name | Faces | Photos | Recognised | Precision |", "|---|---|---|---|---|"]
    return "\n".join([*parts, *map(_person_row, found["people"])]) + "\n"


def _recipe_row(each: Mapping[str, Any]) -> str:
    shares = " | ".join(_share(each[key]) for key in ("accuracy", "tpir", "tpir_strict"))
    return f"| {each['recipe']} | {shares} |"


def _point_row(point: Mapping[str, float | None]) -> str:
    return f"| {_share(point['fpir'])} | {point['threshold']:.3f} | {_share(point['tpir'])} |"


def _person_row(person: Card) -> str:
    name = person["name"].replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    counts = [_or_unknown(person.get(key)) for key in ("faces", "photos")]
    shares = [_share(person.get(key)) for key in ("recall", "precision")]
    return f"| {' | '.join([name, *counts, *shares])} |"


def _share(value: float | None) -> str:
    return "not tested" if value is None else f"{100 * value:.1f}%"


def _or_unknown(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
