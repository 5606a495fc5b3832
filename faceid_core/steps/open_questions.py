"""The questions that are open, as the worker wrote them down and pages read them: a file beside the neighbour
graphs, which may be deleted, as it is made again, and goes with them when something is erased."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from faceid_core.atomic import replaced
from faceid_core.library import Library
from faceid_core.review.queue import Kind, Question

log = logging.getLogger(__name__)

KEPT = 1000
"""Questions that are written down, the most useful ones: more than anybody answers before they are written anew."""

FORM = 1
"""Of the file; another one counts as none."""


@dataclass(frozen=True, slots=True)
class OpenQuestions:
    """questions: the first KEPT, the most useful first; answers: how many questions there are in all, by kind;
    faces: how many wait for a name; left: faces that are still to be compared; run: the
    grouping of group numbers."""

    questions: tuple[Question, ...] = ()
    answers: dict[str, int] | None = None
    faces: int = 0
    left: int = 0
    run: int = 0

    @property
    def total(self) -> int:
        """Questions of all kinds."""
        return sum((self.answers or {}).values())


def write(library: Library, found: OpenQuestions) -> None:
    """Let pages read these questions. A file that can't be written is only logged."""
    file = _file(library)
    kept = {
        "form": FORM, "answers": found.answers, "faces": found.faces, "left": found.left, "run": found.run,
        "questions": [_plain(question) for question in found.questions[:KEPT]],
    }  # fmt: skip
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file, private=True) as partial:
            partial.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
    except OSError as error:
        log.warning("the open questions can't be saved in %s: %s", file, error)


def read(library: Library) -> OpenQuestions | None:
    """What was written last; None where there is nothing yet."""
    file = _file(library)
    try:
        status = file.stat()
        return _read(file, status.st_mtime_ns, status.st_ino)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the open questions in %s can't be read: %s", file, error)
        return None


@lru_cache(maxsize=4)
def _read(file: Path, modified_ns: int, inode: int) -> OpenQuestions | None:
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if kept.pop("form") != FORM:
        return None
    questions = tuple(_question(row) for row in kept.pop("questions"))
    return OpenQuestions(questions, **kept)


def _file(library: Library) -> Path:
    return library.settings.graphs_folder / "questions.json"


def _plain(question: Question) -> dict[str, Any]:
    """Without what a question has by default."""
    fields = Question.__dataclass_fields__
    row = {name: getattr(question, name) for name in fields}
    return {name: value for name, value in row.items() if value != fields[name].default}


def _question(row: dict[str, Any]) -> Question:
    values: dict[str, Any] = {
        name: _tuples(value) if isinstance(value, list) else value for name, value in row.items()
    }
    values["kind"] = Kind(row["kind"])
    return Question(**values)


def _tuples(values: Sequence[Any]) -> tuple[Any, ...]:
    """Of numbers, or of pairs."""
    return tuple(map(tuple, values)) if values and isinstance(values[0], list) else tuple(values)
