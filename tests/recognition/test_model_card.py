"""The card of a recogniser: every figure of the training, and none that was not measured."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from faceid_core.recognition.model_card import as_markdown, card
from faceid_core.values import TrainReport

AT = datetime(2030, 1, 2, 3, 4, 5)


def report(**changes: Any) -> dict[str, Any]:
    people = (
        {"faces": 5, "photos": 4, "tested": 4, "right": 3, "wrong": 0, "taken": 1},
        {"faces": 1, "photos": 1, "tested": 0, "right": 0, "wrong": 0, "taken": 0},
    )
    points = ({"fpir": 0.01, "threshold": 0.62, "tpir": 0.75},)
    values: dict[str, Any] = {
        "version": "9.9",
        "kept": "imprinted",
        "cohort": 300,
        "strangers": 298,
        "dataset": "ab" * 32,
    }
    values |= {"points": points, "by_person": people}
    return TrainReport(("Ada | Co", "Bo"), 6, 4, 0.9, 0.62, 0.75, 0.008, 1.0, **{**values, **changes}).as_dict()


def made(metrics: dict[str, Any]) -> dict[str, Any]:
    return card(["Ada | Co", "Bo"], metrics, trained=AT, embedder="dlib-resnet+mirror", threshold=0.62)


def test_it_holds_what_was_measured() -> None:
    found = json.loads(json.dumps(made(report()), allow_nan=False))
    assert (found["faceid"], found["recipe"], found["threshold"]) == ("9.9", "imprint", 0.62)
    assert found["data"] == {
        "people": 2, "train_faces": 6, "test_faces": 4, "cohort_faces": 300, "strangers": 298, "digest": "ab" * 32,
    }  # fmt: skip
    ada, bo = found["people"]
    assert (ada["recall"], ada["precision"]) == (0.75, 0.75) and (bo["recall"], bo["precision"]) == (None, None)


def test_as_a_page() -> None:
    text = as_markdown(made(report()))
    assert "| Ada \\| Co | 5 | 4 | 75.0% | 75.0% |" in text and "| Bo | 1 | 1 | not tested | not tested |" in text
    assert "| 1.0% | 0.620 | 75.0% |" in text and "| Recipe | imprint |" in text
    assert "| Digest of faces and names | abababababababab |" in text and "| Strangers tested with | 298 |" in text
    assert "| Calibration error (average gap between probability and share correct) | 0.0% |" in text


def test_of_a_recogniser_of_before_less_is_known() -> None:
    found = made({"accuracy": 0.9, "tpir": 0.8, "fpir": 0.01, "train_faces": 6, "valid_faces": 4})
    assert found["faceid"] is found["data"]["digest"] is None and found["results"]["accuracy"] == 0.9
    text = as_markdown(found)
    assert "| faceid | unknown |" in text and "| Bo | unknown | unknown | not tested | not tested |" in text


def test_what_could_not_be_tested_has_no_figure() -> None:
    metrics = {**report(), "valid_faces": 0, "accuracy": 0.0, "tpir": 0.0}
    assert made(metrics)["results"]["accuracy"] is None
    assert "| Named correctly | not tested |" in as_markdown(made(metrics))
