"""The recipe classic: ResNet-34, trained on ImageNet, learns the people from the pixels of their faces, as fastai's
vision_learner does in its introductions. It is there to compare with: it knows nothing of faces beforehand.

Its weights are torchvision's. They are read from its cache or from a file, never from the network.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceid_core.errors import TrainerMissing
from faceid_core.recognition import openset
from faceid_core.recognition.augment import augment
from faceid_core.recognition.openset import Scored
from faceid_core.recognition.scoring import Floats
from faceid_core.values import Image, Ints

if TYPE_CHECKING:
    import torch

NAME = "classic"
WEIGHTS_NAME = "resnet34-b627a593.pth"
"""torchvision's ResNet34_Weights.IMAGENET1K_V1."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, as torchvision normalises them."""

BATCH = 32
FROZEN_EPOCHS, LEARNING_RATE = 1, 2e-3
"""fastai's defaults for fine_tune."""

NO_WEIGHTS = (
    f"The recipe classic needs ResNet-34's weights. faceid downloads nothing, so put torchvision's {WEIGHTS_NAME} "
    "into its cache (`~/.cache/torch/hub/checkpoints`), or give the file with `faceid train --recipe classic "
    "--weights FILE`."
)
BAD_WEIGHTS = f"The weights file is damaged or belongs to another network; give torchvision's {WEIGHTS_NAME}."

Tick = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Classic:
    """What the trained network says of the held-out faces (H, K) and of strangers (S, K), as log-probabilities.
    classes: (H,)"""

    genuine: Floats
    classes: Ints
    strangers: Floats
    kind: str = NAME

    def scored(self, _held: np.ndarray) -> Scored:
        """As for the other recipes."""
        return openset.against(self.genuine, self.classes, np.arange(len(self.classes)), self.strangers)


def weights_file(given: Path | None = None) -> Path:
    """The file to read. Raises TrainerMissing where there is none."""
    if given is None:
        given = _torch_home() / "hub" / "checkpoints" / WEIGHTS_NAME
    if not given.is_file():
        raise TrainerMissing(NO_WEIGHTS)
    return given


def _torch_home() -> Path:
    """Where torch.hub keeps its files; PyTorch itself takes seconds to import."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("TORCH_HOME") or f"{cache}/torch").expanduser()


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, of a file of PyTorch or of safetensors. Nothing in it is executed. Raises TrainerMissing."""
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        found = torch.load(file, map_location="cpu", weights_only=True)
    # A damaged or foreign file makes its readers raise all kinds of errors.
    except Exception as error:
        raise TrainerMissing(BAD_WEIGHTS) from error
    if not isinstance(found, dict):
        raise TrainerMissing(BAD_WEIGHTS)
    return found


@dataclass(frozen=True, eq=False)
class Pictures:
    """Faces to learn from and to test with: crops (N, 150, 150, 3) uint8, classes (N,), held (N,) bool; strangers:
    (S, 150, 150, 3)."""

    crops: Image
    classes: Ints
    held: np.ndarray
    strangers: Image


def fit(pictures: Pictures, weights: Path, *, epochs: int, seed: int, tick: Tick) -> Classic:
    """Train on the faces that are not held out, then judge the others. tick: called after each batch. Raises
    TrainerMissing for weights that do not fit, and what `tick` raises."""
    import torch

    torch.manual_seed(seed)
    learner = _learner(pictures, _network(weights), seed, tick)
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs, base_lr=LEARNING_RATE, freeze_epochs=FROZEN_EPOCHS)
    model = learner.model.eval()
    held = pictures.crops[pictures.held], pictures.classes[pictures.held]
    return Classic(_judged(model, held[0], tick), held[1], _judged(model, pictures.strangers, tick))


def steps(known: int, held: int, strangers: int, epochs: int) -> int:
    """Calls of `tick`."""
    batches = -(-known // BATCH)
    return (FROZEN_EPOCHS + epochs) * batches + -(-held // BATCH) - (-strangers // BATCH)


def _network(weights: Path) -> torch.nn.Module:
    from torchvision.models import resnet34

    network = resnet34(weights=None)
    try:
        network.load_state_dict(read_weights(weights))
    except (RuntimeError, TypeError, AttributeError) as error:
        raise TrainerMissing(BAD_WEIGHTS) from error
    return network


def _learner(pictures: Pictures, network: torch.nn.Module, seed: int, tick: Tick) -> Any:
    import torch
    from fastai.callback import progress, schedule  # noqa: F401  (give Learner no_bar and fine_tune)
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Callback
    from fastai.vision.learner import vision_learner

    class Ticking(Callback):  # type: ignore[misc]  # fastai has no types
        def after_batch(self) -> None:
            if self.learn.training:
                tick("Training ResNet-34")

    people = int(pictures.classes.max()) + 1
    known = ~pictures.held
    training = DataLoader(
        _Faces(pictures.crops[known], pictures.classes[known], np.random.default_rng(seed)), shuffle=True,
        bs=BATCH, num_workers=0, drop_last=int(known.sum()) > BATCH,
    )  # fmt: skip
    training.rng = random.Random(seed)  # nosec B311  # it draws an order, not a secret
    validation = DataLoader(_Faces(pictures.crops[:0], pictures.classes[:0], None), bs=BATCH, num_workers=0)
    loaders = DataLoaders(training, validation, device=torch.device("cpu"))
    return vision_learner(
        loaders, lambda **_: network, normalize=False, n_out=people, loss_func=torch.nn.CrossEntropyLoss(),
        cbs=[Ticking()],
    )  # fmt: skip


class _Faces:
    """A data set: a picture as the network takes it, and its class; altered by `rng`, where there is one."""

    def __init__(self, crops: Image, classes: Ints, rng: np.random.Generator | None) -> None:
        self._crops, self._classes, self._rng = crops, classes, rng

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        crop = self._crops[index : index + 1]
        if self._rng is not None:
            crop = augment(crop, self._rng)
            crop = crop[:, :, ::-1] if self._rng.random() < 0.5 else crop
        return _as_input(crop)[0], int(self._classes[index])


def _as_input(crops: Image) -> torch.Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32."""
    import torch

    scaled = (crops.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


def _judged(model: torch.nn.Module, crops: Image, tick: Tick) -> Floats:
    """(N, K) log-probabilities."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(crops), BATCH):
            logits = model(_as_input(crops[start : start + BATCH]))
            found.append(torch.log_softmax(logits, dim=1).double().numpy())
            tick("Testing ResNet-34")
    return np.concatenate(found) if found else np.empty((0, model[-1][-1].out_features))
