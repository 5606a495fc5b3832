from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faceid_core.settings import Settings
from webapp import worker

FORKS = """
import asyncio, ctypes, os, sys, uvloop
from webapp import worker

@ctypes.CFUNCTYPE(None)
def forked():
    os.write(2, b"forked")

ctypes.CDLL(None).__register_atfork(forked, None, None, None)

async def scenario():
    code = f"open({sys.argv[1]!r}, 'x'); import time; time.sleep(60)"
    task = asyncio.create_task(worker.keep_running([sys.executable, "-c", code], dict(os.environ)))
    while not os.path.exists(sys.argv[1]):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task])

uvloop.run(scenario())
"""


def _pids(record: Path) -> list[int]:
    return [int(line) for line in record.read_text().split()] if record.exists() else []


def _command(record: Path, then: str) -> list[str]:
    code = f"import os, time; open({str(record)!r}, 'a').write(f'{{os.getpid()}}\\n'); {then}"
    return [sys.executable, "-c", code]


async def _wait_for(record: Path, starts: int) -> None:
    async with asyncio.timeout(20):
        while len(_pids(record)) < starts:
            await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    record = tmp_path / "starts"

    async def scenario() -> None:
        command = _command(record, "raise SystemExit(3)")
        task = asyncio.create_task(worker.keep_running(command, dict(os.environ), first_pause_seconds=0.01))
        await _wait_for(record, 3)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(scenario())
    assert len(set(_pids(record))) >= 3


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own way to be told of a fork")
@pytest.mark.slow  # a process of its own, as nothing takes the hook away again
def test_the_server_is_not_copied_to_start_its_worker(tmp_path: Path) -> None:
    """Threads of other libraries do not survive a fork, and Numba says so on the first screen of a new user."""
    command = [sys.executable, "-c", FORKS, str(tmp_path / "ran")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_worker_ends_with_the_server(tmp_path: Path) -> None:
    record = tmp_path / "starts"

    async def scenario() -> None:
        task = asyncio.create_task(worker.keep_running(_command(record, "time.sleep(60)"), dict(os.environ)))
        await _wait_for(record, 1)
        assert _alive(_pids(record)[0])
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(scenario())
    assert not _alive(_pids(record)[0])


def test_server_and_worker_have_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(library=tmp_path, detector="hog", mirror=False, providers=["A", "B"], workers=3)
    for name, value in worker.worker_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
    assert worker.worker_command(settings)[-4:] == ["--library", str(tmp_path.resolve()), "work", "--with-parent"]
