"""Train a recogniser from named faces: imprint a cosine classifier, train it further with fastai, keep the better.

The imprinted classifier (each person's row is the mean of the person's vectors) is hard to beat on dlib's space
(figures: tests/bench/recipes.py). So a trained one is kept only where held-out photos clearly prefer it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from faceid_core import __version__
from faceid_core.recognition import classifier, model_files, openset
from faceid_core.recognition.calibration import DEFAULT_SLOPE, Calibrated
from faceid_core.recognition.candidates import (
    Candidate,
    Laboratory,
    Split,
    candidates_of,
    compared_classic,
    open_set,
    work_for,
)
from faceid_core.recognition.classic import Classic
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.evaluation import STRANGERS_TO_JUDGE, HeldOut
from faceid_core.recognition.model_files import StoredModel
from faceid_core.recognition.openset import Calibration, Scored
from faceid_core.recognition.options import (
    NO_TRAINER,
    RECIPES,
    Readiness,
    TrainOptions,
    has_trainer,
    readiness,
)
from faceid_core.recognition.scoring import Scorer
from faceid_core.recognition.training_data import Labelled, Rejected, Space, TrainingData, labelled_faces
from faceid_core.values import Ints, Progress, TrainReport, no_progress

if TYPE_CHECKING:
    from faceid_core.engine.dlib_format import Array

__all__ = [
    "NO_TRAINER", "RECIPES", "Readiness", "Rejected", "Space", "TrainOptions", "Trained", "TrainingData",
    "has_trainer", "readiness", "train",
]  # fmt: skip

CHOSEN = ("head", "fine-tune")
"""Recipes whose outcome is kept in any case; of fine-tune the head, where the network gains nothing."""

Compared = Candidate | Classic

FACES_TO_WIN = 2
"""A trained classifier must name so many more held-out faces rightly: luck with one face must decide nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A recogniser that is in no file yet; `model_files.write(model, folder)` saves it. report: how it did."""

    model: StoredModel
    report: TrainReport


def train(
    data: TrainingData,
    *,
    options: TrainOptions | None = None,
    space: Space | None = None,
    on_cuda: bool = False,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train a recogniser from named faces; the same every time.

    space: that of the data's vectors; by default dlib's, with mirror images.
    on_cuda: compute on an NVIDIA card where there is one; only on the CPU is the outcome the same to the last bit.
    on_epoch gets a row of TrainReport.history after each epoch, epoch 0 being the imprinted classifier.
    Raises NotEnoughLabels, TrainerMissing without the recipe's packages or files, what `progress` raises
    (JobCancelled), and ValueError where a space without a network would need one. Writes nothing.
    """
    started = time.monotonic()
    options, space = options or TrainOptions(), space or Space()
    if space.network is None and (data.vectors is None or options.upper_epochs):
        raise ValueError(f"{space.name} can't be trained without vectors, nor in its last level")
    labelled = labelled_faces(data, options)
    crops, ids = data.some_strangers(options.seed)
    work = work_for(len(labelled.crops), len(crops), options, space, progress)
    progress(0, work.total, "Preparing the training")
    lab = Laboratory(labelled, data.strangers, crops, ids, data.rejected, options, space, work, on_cuda)
    candidates, split, history = candidates_of(lab, on_epoch)
    kept = _trained(candidates, split) if options.recipe in CHOSEN else _choose(candidates, split)
    compared = _compared([*candidates, *compared_classic(lab, split)], split)
    progress(work.total, work.total, "Ready")
    tested = _tested(kept, candidates[0], labelled.faces, split)
    report = _report(kept, tested, labelled.names, tuple(history), time.monotonic() - started)
    report = replace(report, compared=compared, dataset=_digest(labelled))
    return Trained(_model(kept, tested, report, space.name), report)


def _digest(labelled: Labelled) -> str:
    """SHA-256 of the faces' vectors, or else crops, with their names, in any order: the same data have the same
    digest."""
    faces = labelled.crops if labelled.vectors is None else labelled.vectors
    lines = sorted(
        hashlib.sha256(np.ascontiguousarray(face).tobytes() + labelled.names[person].encode()).digest()
        for face, person in zip(faces, labelled.classes.tolist(), strict=True)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _trained(candidates: list[Candidate], split: Split) -> Candidate:
    """The last one, unless the network's training gained nothing on held-out faces and strangers."""
    *before, last = candidates
    if last.net is None or not before:
        return last
    return last if open_set(last, split.held) > open_set(before[-1], split.held) else before[-1]


def _choose(candidates: list[Candidate], split: Split) -> Candidate:
    """The imprinted classifier unless a trained one is clearly better on held-out photos and nowhere worse."""
    best, *others = candidates
    for candidate in others:
        if _better(candidate.scored(split.held), best.scored(split.held), len(best.examples.strangers)):
            best = candidate
    return best


def _better(new: Scored, old: Scored, strangers: int) -> bool:
    """More faces right, or more above the threshold that strangers demand; and not fewer of the other."""
    calibration = Calibration(DEFAULT_SLOPE, 0.0)
    count = len(new.classes)
    right = round(count * (openset.rates(new, calibration).accuracy - openset.rates(old, calibration).accuracy))
    found = round(count * (openset.tpir_at(new) - openset.tpir_at(old)))
    # Without strangers TPIR at a fixed FPIR would flatter the trained classifier, which has learned to push the
    # known people apart and has seen no stranger.
    gained = right >= FACES_TO_WIN or (found >= FACES_TO_WIN and strangers >= STRANGERS_TO_JUDGE)
    return gained and right >= 0 and found >= 0


@dataclass(frozen=True, slots=True)
class _Tested:
    """How the chosen candidate did. learned: how many faces it knows; faces: (M,) ids of the tested ones."""

    scorer: Scorer
    scored: Scored
    found: Calibrated
    learned: int
    faces: Ints


def _tested(kept: Candidate, imprinted: Candidate, ids: Ints, split: Split) -> _Tested:
    """ids: (N,) of all faces."""
    examples = kept.examples
    if kept is imprinted:
        # Nothing was tuned on the held-out faces, so the rows may use them; leaving out one photo after the other
        # measures with all faces instead of a quarter.
        scorer, scored = classifier.imprinted(examples)
        return _Tested(scorer, scored, classifier.calibrated(scored, examples), len(ids), ids)
    scored = kept.scored(split.held)
    found = _calibrated_like(scored, imprinted.scored(split.held), examples)
    return _Tested(kept.scorer(split.held), scored, found, int((~split.held).sum()), ids[split.held])


def _report(
    kept: Candidate, tested: _Tested, names: tuple[str, ...], history: tuple[dict[str, float], ...], seconds: float
) -> TrainReport:
    scored, found = tested.scored, tested.found
    rates = openset.rates(scored, found.calibration, found.threshold)
    return TrainReport(
        classes=names,
        train_faces=tested.learned,
        valid_faces=len(scored.classes),
        accuracy=rates.accuracy,
        threshold=found.threshold,
        tpir=rates.tpir,
        fpir=_stranger_fpir(scored, found) if scored.strangers >= STRANGERS_TO_JUDGE else rates.fpir,
        seconds=seconds,
        history=history if all(math.isfinite(v) for row in history for v in row.values()) else (),
        version=__version__,
        kept=kept.kind,
        calibration_error=classifier.calibration_error(*classifier.answers(scored, found), scored.strangers),
        cohort=len(tested.scorer.cohort),
        strangers=scored.strangers,
        points=tuple(asdict(point) for point in found.points),
        by_person=tuple(classifier.by_person(scored, found, kept.examples)),
    )


def _model(kept: Candidate, tested: _Tested, report: TrainReport, embedder: str) -> StoredModel:
    scorer, calibration = tested.scorer, tested.found.calibration
    strangers = scorer.cohort.faces[scorer.cohort.classes < 0]
    return StoredModel(
        report.classes,
        embedder,
        report.threshold,
        calibration,
        {"rows": scorer.rows, **_body(kept)},
        report.as_dict(),
        scorer.cohort,
        scorer.negatives,
        HeldOut.of(tested.scored, calibration, tested.faces[tested.scored.held], strangers),
        scorer.scale,
    )


def _compared(candidates: Sequence[Compared], split: Split) -> tuple[dict[str, str | float], ...]:
    """All of them on the same held-out faces, without these in what they know."""
    found: list[dict[str, str | float]] = []
    for each in candidates if split.held.any() else ():
        scored = each.scored(split.held)
        right = float((scored.genuine.argmax(axis=1) == scored.classes).mean())
        at = {name: openset.tpir_at(scored, fpir) for name, fpir in (("tpir", 0.01), ("tpir_strict", 0.001))}
        found.append({"recipe": each.kind, "accuracy": right, **at})
    return tuple(found)


def _stranger_fpir(scored: Scored, found: Calibrated) -> float:
    best, _ = classifier.answers(scored, found)
    return float((best[len(scored.classes) :] >= found.threshold).mean())


def _calibrated_like(scored: Scored, imprinted: Scored, examples: Examples) -> Calibrated:
    """Calibrate on the imprinted classifier's scale, where the defaults hold, and carry the result back."""
    placed, factor, offset = openset.placed_like(scored, imprinted)
    found = classifier.calibrated(placed, examples)
    placing = found.calibration
    own = Calibration(placing.slope * factor, (placing.threshold_cosine - offset) / factor)
    return replace(found, calibration=own)


def _body(kept: Candidate) -> dict[str, Array]:
    if kept.net is None:
        return {}
    from faceid_core.engine.torch_net import to_resnet_weights

    return model_files.body_tensors(to_resnet_weights(kept.net))
