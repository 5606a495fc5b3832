"""./run, called from wherever somebody is."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
FACEID = '#!/bin/sh\nprintf "%s\\n" "$PWD" "${FACEID_LIBRARY-unset}" "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One that is set up, with a faceid and a uv that say how they were called."""
    folder = tmp_path / "checkout"
    (bin_ := folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(RUN, folder / "run")
    for name in ("requirements.txt", "pyproject.toml"):
        (folder / name).write_text(name)
    (bin_ / "faceid").write_text(FACEID)
    (bin_ / "faceid").chmod(0o755)
    stamp = hashlib.sha256(b"requirements.txtpyproject.toml").hexdigest()
    (bin_ / "python").symlink_to(sys.executable)
    (bin_ / "uv").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (bin_ / "uv").chmod(0o755)
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


PROJECT = RUN.with_name("pyproject.toml")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_extras_are_installed_by_name(checkout: Path) -> None:
    for file in ("requirements.txt", "pyproject.toml"):
        shutil.copy(RUN.with_name(file), checkout)
    both = b"".join((checkout / file).read_bytes() for file in ("requirements.txt", "pyproject.toml"))
    (checkout / ".venv" / "requirements.sha256").write_text(f"{hashlib.sha256(both).hexdigest()}  -\n")
    path = f"{checkout / '.venv' / 'bin'}:{os.environ['PATH']}"

    def run(*names: str) -> subprocess.CompletedProcess[str]:
        command = [str(checkout / "run"), "install", *names]
        return subprocess.run(
            command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )

    assert run("sftp", "s3").stdout.splitlines()[-2:] == ["--editable", ".[sftp,s3]"]
    for names in ((), ("nonsense",), ("sftp", "nonsense")):
        done = run(*names)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Say what to install: ./run install NAME") and "sftp, " in done.stderr


def test_the_program_names_extras_that_exist() -> None:
    known = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    sources = [
        file.read_text() for room in ("faceid_core", "webapp") for file in RUN.parent.glob(f"{room}/**/*.py")
    ]
    named = {name for source in sources for name in re.findall(r"\binstall\([\"'](\w+)[\"']\)", source)}
    assert named and named <= set(known)
    assert not [source for source in sources if "pip install faceid" in source or "pip install 'faceid" in source]
