"""Commands as processes of their own: pipes, and Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceid_core.library import Library
from faceid_core.sample import Album
from faceid_core.settings import Settings
from tests.cli.running import faceid, in_the_environment


@pytest.mark.slow
def test_pipes_get_json_alone_and_no_progress_bar(tmp_path: Path, album: Album) -> None:
    """In a process of its own, with the setting that makes rich believe in a terminal."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "faceid_core.cli",
        "--library",
        tmp_path / "new",
        "import",
        "--json",
    ]
    photo = album.folder / "photo-0001.jpg"
    environment = in_the_environment(FORCE_COLOR=1)
    done = subprocess.run([*command, str(photo)], capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout)["imported"] == 1
    assert len(done.stderr.splitlines()) == 1
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="sends Ctrl+C to a group of processes, as a terminal does")
def test_ctrl_c_keeps_what_is_imported_and_the_same_command_goes_on(tmp_path: Path, album: Album) -> None:
    new, photos = tmp_path / "new", tmp_path / "photos"
    photos.mkdir()
    for copy in range(3):  # many, so that a loaded machine finds time to stop it
        for path in album.folder.glob("*.jpg"):
            (photos / f"{copy}-{path.name}").write_bytes(path.read_bytes() + bytes([copy]))
    number = len(list(photos.iterdir()))
    faceid("--library", new, "db", "upgrade")
    command: list[str | Path] = [sys.executable, "-m", "faceid_core.cli", "--library", new, "import", photos]
    slow = in_the_environment(FACEID_DETECTOR="dlib-cnn", FACEID_DETECTION_SIDE_PX=400, FACEID_WORKERS=2)
    with (
        Library.open(Settings(library=new)) as library,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=slow, start_new_session=True) as running,
    ):
        while not library.counts().photos:
            assert running.poll() is None, "the import ended before it could be stopped"
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=30)
        kept = library.counts().photos
        assert said == ("faceid: Stopped. Photos imported so far are kept; run the same command again to resume.\n")
        assert running.returncode == 130
        assert 1 <= kept < number
    ran = faceid("--library", new, "import", photos, "--json")
    assert (ran.json["unchanged"], ran.json["imported"]) == (kept, number - kept)


def test_ctrl_c_elsewhere_is_a_word_and_130(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("faceid_core.steps.cluster.cluster_faces", stop)
    ran = faceid("--library", folder, "cluster")
    assert (ran.code, ran.out, ran.err) == (130, "", "faceid: Stopped.\n")
