"""Train a recogniser from named faces: imprint a cosine classifier, train it further with fastai, keep the better.

The imprinted classifier (each person's row is the mean of the person's vectors) is hard to beat on dlib's space
(figures: tests/bench/recipes.py). So a trained one is kept only where held-out photos clearly prefer it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceid_core import __version__
from faceid_core.cosine_scale import DLIB, CosineScale
from faceid_core.engine.graphs import CROP_PX
from faceid_core.recognition import classifier, model_files, openset
from faceid_core.recognition.calibration import DEFAULT_SLOPE, Calibrated
from faceid_core.recognition.candidates import (
    Candidate,
    Laboratory,
    Rejected,
    Space,
    Split,
    candidates_of,
    compared_classic,
    open_set,
    some,
    work_for,
)
from faceid_core.recognition.classic import Classic
from faceid_core.recognition.classifier import Examples
from faceid_core.recognition.evaluation import STRANGERS_TO_JUDGE, HeldOut
from faceid_core.recognition.openset import Calibration, Scored
from faceid_core.recognition.options import (
    NO_TRAINER,
    RECIPES,
    Labelled,
    Readiness,
    TrainOptions,
    has_trainer,
    labelled_faces,
    readiness,
)
from faceid_core.recognition.scoring import FaceSet, Scorer
from faceid_core.values import Image, Ints, Progress, TrainReport, Vectors, no_progress

if TYPE_CHECKING:
    from faceid_core.engine.dlib_format import Array, ResNetWeights

__all__ = [
    "NO_TRAINER", "RECIPES", "Readiness", "Rejected", "Space", "TrainOptions", "Trained", "has_trainer",
    "readiness", "save", "train",
]  # fmt: skip

CHOSEN = ("head", "fine-tune")
"""Recipes whose outcome is kept in any case; of fine-tune the head, where the network gains nothing."""

Compared = Candidate | Classic

FACES_TO_WIN = 2
"""A trained classifier must name so many more held-out faces rightly: luck with one face must decide nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A recogniser to save. kept: "imprinted", "head" (rows trained) or "network" (its last level, too)."""

    report: TrainReport
    tensors: dict[str, Array]
    calibration: Calibration
    embedder: str
    kept: str
    cohort: FaceSet = field(default_factory=FaceSet.none)
    negatives: FaceSet = field(default_factory=FaceSet.none)
    held_out: HeldOut | None = None
    scale: CosineScale = DLIB


def train(
    crops: Image,
    names: list[str],
    photos: Ints,
    *,
    weights: Callable[[], ResNetWeights] | ResNetWeights,
    faces: Ints | None = None,
    vectors: Vectors | None = None,
    others: FaceSet | None = None,
    rejected: Rejected | None = None,
    strangers: Image | None = None,
    stranger_ids: Ints | None = None,
    options: TrainOptions | None = None,
    space: Space | None = None,
    on_cuda: bool = False,
    progress: Progress = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train on aligned crops (N, 150, 150, 3) uint8 with a name and a photo number each; the same every time.

    faces: (N,) their ids, by which held-out ones are found again.
    vectors: (N, D) of the crops, by the embedder that will serve; without them the network looks at the crops.
    space: that embedder's; by default dlib's.
    others: faces of nobody named by such vectors, the best ones first; some may be unnamed faces of the named
    people. strangers: the same as crops (M, 150, 150, 3), for where there are no vectors or the network is trained;
    stranger_ids: (M,) theirs.
    on_cuda: compute on an NVIDIA card where there is one; only on the CPU is the outcome the same to the last bit.
    on_epoch gets a row of TrainReport.history after each epoch, epoch 0 being the imprinted classifier.
    Raises NotEnoughLabels, and what `progress` raises (JobCancelled); nothing is written anywhere before `save`.
    """
    started = time.monotonic()
    options = options or TrainOptions()
    space = space or Space("dlib-resnet+mirror" if options.mirror else "dlib-resnet")
    if not space.is_dlib and (vectors is None or options.upper_epochs):
        raise ValueError(f"{space.name} can't be trained without vectors, nor in its last level")
    if crops.shape[1:] != (CROP_PX, CROP_PX, 3) or not len(crops) == len(names) == len(photos):
        raise ValueError(f"{len(names)} names and {len(photos)} photos for crops of shape {crops.shape}")
    labelled = labelled_faces(crops, names, photos, options)
    strangers = crops[:0] if strangers is None else strangers
    ids_of_strangers = np.zeros(len(strangers), np.int64) if stranger_ids is None else stranger_ids
    few = some(len(strangers), options.seed)
    strangers, ids_of_strangers = strangers[few], ids_of_strangers[few]
    work = work_for(len(labelled.crops), len(strangers), options, space, progress)
    progress(0, work.total, "Preparing the training")
    given = None if vectors is None else np.asarray(vectors, np.float32)[labelled.rows]
    lab = Laboratory(labelled, given, others, rejected, strangers, ids_of_strangers, weights, options, space,
                     work, on_cuda)  # fmt: skip
    candidates, split, history = candidates_of(lab, on_epoch)
    kept = _trained(candidates, split) if options.recipe in CHOSEN else _choose(candidates, split)
    compared = _compared([*candidates, *compared_classic(lab, split)], split)
    progress(work.total, work.total, "Ready")
    ids = np.zeros(len(crops), np.int64) if faces is None else np.asarray(faces, np.int64)
    tested = _tested(kept, candidates[0], ids[labelled.rows], split)
    report = _report(kept, tested, labelled.names, tuple(history), time.monotonic() - started)
    digest = _digest(labelled, labelled.crops if given is None else given)
    return _as_trained(kept, tested, replace(report, compared=compared, dataset=digest), space.name)


def _digest(labelled: Labelled, faces: Image | Vectors) -> str:
    """SHA-256 of the faces (N, …) with their names, in any order: the same data have the same digest."""
    lines = sorted(
        hashlib.sha256(np.ascontiguousarray(face).tobytes() + labelled.names[person].encode()).digest()
        for face, person in zip(faces, labelled.classes.tolist(), strict=True)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def save(trained: Trained, parent: Path) -> Path:
    """Write a new folder with the recogniser in `parent` and return it; it appears complete or not at all."""
    stored = model_files.StoredModel(
        trained.report.classes,
        trained.embedder,
        trained.report.threshold,
        trained.calibration,
        trained.tensors,
        {**trained.report.as_dict(), "kept": trained.kept},
        trained.cohort,
        trained.negatives,
        trained.held_out,
        trained.scale,
    )
    return model_files.write(stored, parent)


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


def _as_trained(kept: Candidate, tested: _Tested, report: TrainReport, embedder: str) -> Trained:
    scorer, calibration = tested.scorer, tested.found.calibration
    strangers = scorer.cohort.faces[scorer.cohort.classes < 0]
    return Trained(
        report,
        {"rows": scorer.rows, **_body(kept)},
        calibration,
        embedder,
        kept.kind,
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
