"""./run, called from wherever somebody is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
FACEID = '#!/bin/sh\nprintf "%s\\n" "$PWD" "${FACEID_LIBRARY-unset}" "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that is set up, with a faceid that says how it was called."""
    folder = tmp_path / "checkout"
    (bin_ := folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(RUN, folder / "run")
    for name in ("requirements.txt", "pyproject.toml"):
        (folder / name).write_text(name)
    (bin_ / "faceid").write_text(FACEID)
    (bin_ / "faceid").chmod(0o755)
    stamp = hashlib.sha256(b"requirements.txtpyproject.toml").hexdigest()
    (folder / ".venv" / "requirements.sha256").write_text(f"{stamp}  -\n")
    return folder


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_paths_are_those_of_the_folder_that_it_is_called_from(checkout: Path, tmp_path: Path) -> None:
    def said(folder: Path, *arguments: str, **more: str) -> list[str]:
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("FACEID_")}, **more}
        done = subprocess.run(
            [str(checkout / "run"), *arguments], cwd=folder, env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout.splitlines()

    assert said(checkout, "import", "pictures") == [str(checkout), "unset", "import", "pictures"]
    library = str(checkout / "data")
    assert said(tmp_path, "import", "a b") == [str(tmp_path), library, "import", "a b"]
    assert said(tmp_path, "demo", "pictures") == [str(tmp_path), library, "demo", "pictures"]
    assert said(tmp_path, "people", FACEID_LIBRARY="mine") == [str(tmp_path), "mine", "people"]
    assert said(tmp_path) == [str(tmp_path), library, "demo"]
