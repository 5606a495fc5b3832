"""The fastai part of the training: face network, imprinted head, Learner. Imported only while training (8 s).

Features are computed once. While the body is frozen an item is a vector of one of a few augmented views of a
face; when the network's last level is trained, too, an item is the maps that enter that level. An epoch then takes
a fraction of a second (a few for the last level) instead of a pass of all faces through the whole network.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from fastai.callback import schedule  # noqa: F401  (gives Learner its fit_one_cycle)
from fastai.callback.core import CancelFitException
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Callback, Learner, Recorder, TrainEvalCallback
from fastai.metrics import accuracy
from torch import Tensor, nn
from torch.nn import functional

from faceid_core.engine.torch_net import FaceNet, as_tensor
from faceid_core.recognition.augment import augment
from faceid_core.values import Image, Ints, Vectors

BATCH = 32
"""Crops a pass through the frozen network."""

FIRST_SCALE = 64.0
"""Where the learned scale of the cosines starts: high enough to tell near people apart, low enough to learn."""

PATIENCE = 2
"""Epochs without a gain after which the training of the network ends."""

Row = dict[str, float]
Tick = Callable[[str], None]


class CosineHead(nn.Module):
    """Logits = scale * cosine of the vector and a person's row. Rows start imprinted; the scale is learned, too."""

    def __init__(self, rows: Vectors) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.from_numpy(rows.copy()))
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(FIRST_SCALE))))

    def forward(self, vectors: Tensor) -> Tensor:
        """Vectors (N, D) -> scaled cosines to each class (N, C)."""
        cosines = functional.normalize(vectors, dim=1) @ functional.normalize(self.rows, dim=1).T
        return self.log_scale.exp() * cosines


class MirroredUpper(nn.Module):
    """The network's last level on the maps (N, sides, 128, 8, 8) of faces and their mirror images: mean vectors."""

    def __init__(self, upper: nn.Sequential) -> None:
        super().__init__()
        self.upper = upper

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (N, sides, 128, 8, 8) -> vectors (N, 128) float32, averaged over the sides."""
        vectors: Tensor = self.upper(maps.float().flatten(0, 1))
        return vectors.view(maps.shape[0], maps.shape[1], -1).mean(1)


@dataclass
class Features:
    """vectors: (N, 128) float32 as served; maps: (N, sides, 128, 8, 8) float16, None unless asked for."""

    vectors: Tensor
    maps: Tensor | None


@dataclass(frozen=True)
class FeatureExtractor:
    """Passes aligned crops (N, 150, 150, 3) uint8 through the frozen network. tick is called after each batch."""

    net: FaceNet
    mirror: bool
    keep_maps: bool
    tick: Tick

    def __call__(self, crops: Image) -> Features:
        found: Features = self._features(crops, lambda batch: batch)
        return found

    def views(self, crops: Image, count: int, seed: int) -> list[Features]:
        """Features of `count` augmented versions of the crops."""
        rng = np.random.default_rng(seed)
        return [self._features(crops, lambda batch: augment(batch, rng)) for _ in range(count)]

    @torch.no_grad()
    def _features(self, crops: Image, change: Callable[[Image], Image]) -> Features:
        vectors, maps = [torch.empty(0, self.net.upper[-1].fc.shape[1])], []
        device = _device_of(self.net)
        for at in range(0, len(crops), BATCH):
            pixels = as_tensor(change(crops[at : at + BATCH])).to(device)
            sides = [pixels, pixels.flip(3)] if self.mirror else [pixels]
            stacked = torch.stack([self.net.lower(side) for side in sides], 1)
            vectors.append(MirroredUpper(self.net.upper)(stacked).cpu())
            if self.keep_maps:
                maps.append(stacked.half().cpu())
            self.tick("Preparing faces")
        return Features(torch.cat(vectors), torch.cat(maps) if maps else None)


class _Faces:
    """A data set: item i is one of the views of face i and its class; without `rng` always the first view."""

    def __init__(self, views: list[Tensor], classes: Tensor, rng: np.random.Generator | None) -> None:
        self._views, self._classes, self._rng = views, classes, rng

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        view = int(self._rng.integers(len(self._views))) if self._rng else 0
        return self._views[view][index].float(), self._classes[index]


class _Reporter(Callback):
    """Calls back after each batch and each epoch."""

    order = 60  # after the Recorder

    def __init__(self, tick: Tick, on_epoch: Callable[[Row], None], first: int) -> None:
        self._tick, self._on_epoch, self._first = tick, on_epoch, first

    def after_batch(self) -> None:
        if self.learn.training:
            self._tick(f"Training, epoch {self._first + self.learn.epoch}")

    def after_epoch(self) -> None:
        train_loss, valid_loss, right = (float(value) for value in self.learn.recorder.values[-1])
        number = float(self._first + self.learn.epoch)
        self._on_epoch({"epoch": number, "train_loss": train_loss, "valid_loss": valid_loss, "accuracy": right})


class _Judged(Callback):
    """Ends the training where it gains no more."""

    order = 70  # after the _Reporter

    def __init__(self, judge: Callable[[], bool]) -> None:
        self._judge, self._in_vain = judge, 0

    def after_epoch(self) -> None:
        self._in_vain = 0 if self._judge() else self._in_vain + 1
        if self._in_vain >= PATIENCE:
            raise CancelFitException


@dataclass(frozen=True)
class Lesson:
    """What both phases of a training share. held: (N,) bool, the faces to validate with. device: where it computes,
    in PyTorch's words."""

    classes: Ints
    held: np.ndarray
    batch_size: int
    learning_rate: float
    seed: int
    tick: Tick
    on_epoch: Callable[[Row], None]
    device: str = "cpu"

    @property
    def targets(self) -> Tensor:
        """The class of each face, (N,) int64."""
        return torch.from_numpy(self.classes)

    @property
    def loss(self) -> nn.CrossEntropyLoss:
        """Cross-entropy in which every person counts alike, however many faces there are of each."""
        counts = np.bincount(self.classes[~self.held], minlength=int(self.classes.max()) + 1)
        weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        return nn.CrossEntropyLoss(torch.from_numpy(weights.astype(np.float32)))

    def batches(self) -> int:
        """Batches per epoch."""
        return -(-int((~self.held).sum()) // self.batch_size)


def starting_point(head: CosineHead, vectors: Tensor, lesson: Lesson) -> Row:
    """Epoch 0: what the imprinted head does before any training."""
    held = torch.from_numpy(lesson.held)
    with torch.no_grad():
        logits = head(vectors)
        targets = lesson.targets
        right = (logits.argmax(1) == targets)[held].float().mean()
        train_loss, valid_loss = (float(lesson.loss(logits[part], targets[part])) for part in (~held, held))
    return {"epoch": 0.0, "train_loss": train_loss, "valid_loss": valid_loss, "accuracy": float(right)}


def fit_head(head: CosineHead, views: list[Tensor], lesson: Lesson, epochs: int) -> None:
    """Train the head on vectors of augmented views; the body is frozen. views[0] are the faces as they are."""
    if epochs:
        learner = _learner(head, views, lesson, first=1, splitter=None)
        learner.fit_one_cycle(epochs, lesson.learning_rate)


def fit_upper(
    net: FaceNet,
    head: CosineHead,
    maps: list[Tensor],
    lesson: Lesson,
    epochs: int,
    first: int,
    judge: Callable[[FaceNet, CosineHead], bool],
) -> None:
    """Train copies of the head and, with a hundredth of its learning rate and less, of the network's last level.

    judge gets both after each epoch and says whether they are better than all before; it ends after PATIENCE epochs
    that are not.
    """
    net, head = copy.deepcopy(net), copy.deepcopy(head)
    model = nn.Sequential(MirroredUpper(net.upper), head)

    def groups(_: nn.Module) -> list[list[nn.Parameter]]:
        early, late = net.upper[:-2], net.upper[-2:]
        return [list(part.parameters()) for part in (early, late, head)]

    learner = _learner(model, maps, lesson, first=first, splitter=groups)
    learner.add_cb(_Judged(lambda: judge(net, head)))
    learner.fit_one_cycle(epochs, slice(lesson.learning_rate / 100, lesson.learning_rate))


def _learner(
    model: nn.Module, views: list[Tensor], lesson: Lesson, *, first: int, splitter: Callable[..., object] | None
) -> Learner:
    train, valid = (torch.from_numpy(np.flatnonzero(part)) for part in (~lesson.held, lesson.held))
    rng = np.random.default_rng(lesson.seed)
    options = {"bs": lesson.batch_size, "num_workers": 0}
    training = DataLoader(_Faces([v[train] for v in views], lesson.targets[train], rng), shuffle=True, **options)
    # fastai would draw the order from the process's global random state.
    # It draws an order, not a secret.
    training.rng = random.Random(lesson.seed)  # nosec B311
    validation = DataLoader(_Faces([views[0][valid]], lesson.targets[valid], None), **options)
    learner = Learner(
        DataLoaders(training, validation, device=torch.device(lesson.device)),
        model,
        loss_func=lesson.loss,
        metrics=[accuracy],
        default_cbs=False,  # they print a table
        cbs=[TrainEvalCallback(), Recorder(), _Reporter(lesson.tick, lesson.on_epoch, first)],
        **({"splitter": splitter} if splitter else {}),
    )
    learner.logger = lambda _: None
    return learner


@torch.no_grad()
def upper_vectors(net: FaceNet, maps: Tensor | None) -> Vectors:
    """(N, 128) vectors of a trained last level from the maps that enter it."""
    if maps is None:
        return np.empty((0, net.upper[-1].fc.shape[1]), np.float32)
    was_training = net.upper.training
    upper, device = MirroredUpper(net.upper.eval()), _device_of(net)
    found = [upper(maps[at : at + BATCH].to(device)).cpu().numpy() for at in range(0, len(maps), BATCH)]
    net.upper.train(was_training)
    return np.concatenate(found) if found else np.empty((0, net.upper[-1].fc.shape[1]), np.float32)


def rows_of(head: CosineHead) -> Vectors:
    """The unit vector of each class, (C, D) float32."""
    return np.asarray(functional.normalize(head.rows.detach().cpu(), dim=1).numpy(), np.float32)


def _device_of(net: nn.Module) -> torch.device:
    return next(net.parameters()).device
