"""Made tests/store/library_0004 with the last version whose schema was 0004 (commit 605d863).

    git worktree add OLD 605d863 && cd OLD && PYTHONPATH=. python .../tests/store/make_library_0004.py FOLDER

The folder gets library.sql, the database as text, and the recogniser's folder under models. It is kept to be run
beside that version, not this one, whose libraries have another schema.
"""

# mypy: ignore-errors

from __future__ import annotations

import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from faceid_core.library import Library
from faceid_core.recognition import model_files
from faceid_core.recognition.openset import Calibration
from faceid_core.settings import Settings
from faceid_core.values import Flag, NewPhoto
from tests.library.conftest import EMBEDDER, new_face, new_photo


def photo(number: int) -> NewPhoto:
    """Two faces, and the hashes of a picture of its own."""
    faces = tuple(new_face(0.3 + 0.1 * number, 2.0 * number + place) for place in range(2))
    hashes = np.random.default_rng(number).bytes(256)
    return replace(new_photo(f"/photos/{number}.jpg", faces=0), faces=faces, phashes=hashes)


def decide(library: Library) -> None:
    """Ada (1, 2, 3) and Bo (4, 5), who was merged into Ada and out again; 6 is not Bo; 7 a stranger; 8 was Cy."""
    ada = library.people.name_faces([1, 2, 3], "Ada", actor="me").person_id
    bo = library.people.name_faces([4, 5], "Bo", actor="me").person_id
    library.people.reject([6], bo, actor="me")
    library.faces.flag([7], Flag.STRANGER, actor="me")
    library.people.name_faces([8], "Cy", actor="me")
    library.journal.undo()
    library.people.set_cover(ada, 2, actor="me")
    library.pair_constraints.say([(1, 6)], same=False, summary="Two people", actor="me")
    library.people.merge(ada, [bo], actor="me")
    library.journal.undo()


def model(folder: Path) -> str:
    rows = np.eye(2, 4, dtype=np.float32)
    stored = model_files.StoredModel(("Ada", "Bo"), EMBEDDER, 0.5, Calibration(10.0, 0.4), {"rows": rows}, {})
    return model_files.write(stored, folder).name


def make(target: Path) -> None:
    with TemporaryDirectory() as scratch:
        settings = Settings(library=Path(scratch))
        with Library.open(settings) as library:
            library.photos.add_many([photo(number) for number in range(4)])
            library.photos.add_many([new_photo("/photos/broken.jpg", error="the file is empty")])
            library.clusters.save_run("any", {}, EMBEDDER, np.arange(1, 9), np.array([0, 0, 0, 1, 1, 2, -1, -1]))
            decide(library)
            artifact = model(target / "models")
            library.models.add(EMBEDDER, ["Ada", "Bo"], {"tpir": 0.9}, 0.5, {"1": 1}, artifact)
        with sqlite3.connect(settings.library / "faceid.db") as connection:
            (target / "library.sql").write_text("\n".join(connection.iterdump()) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
