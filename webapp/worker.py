"""The worker process beside the server: started, watched, restarted when it dies, stopped with the server."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from faceid_core.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
HEALTHY_SECONDS = 60.0
"""Seconds after which a death is not blamed on the start: the next restart is quick again."""

STOP_SECONDS = 5.0
"""How long a worker may take to put its work down before it is killed."""


def worker_command(settings: Settings) -> list[str]:
    return [
        sys.executable,
        "-m",
        "faceid_core.cli",
        "--library",
        str(settings.library.resolve()),
        "work",
        "--with-parent",
    ]


def worker_environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with every setting spelled out: server and worker never disagree."""
    values = settings.model_dump(mode="json", exclude_none=True)
    as_text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return {**os.environ, **{f"FACEID_{name.upper()}": text for name, text in as_text.items()}}


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def keep_running(
    command: Sequence[str], environment: dict[str, str], *, first_pause_seconds: float = FIRST_PAUSE_SECONDS
) -> None:
    """Run the command for ever; cancelling this coroutine terminates it. Pauses double with each quick death.

    By subprocess, which never copies this process: uvloop's own way does, and the threads that networks and maps
    have started here do not survive that.
    """
    pause = first_pause_seconds
    while True:
        started = time.monotonic()
        process = subprocess.Popen(  # nosec B603  # our own program
            command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            code = await asyncio.to_thread(process.wait)
        finally:
            await asyncio.shield(asyncio.to_thread(_stop, process))
        if time.monotonic() - started > HEALTHY_SECONDS:
            pause = first_pause_seconds
        log.warning("The worker ended with code %s; starting it again in %.0f s.", code, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


@asynccontextmanager
async def supervised_worker(settings: Settings) -> AsyncIterator[None]:
    """A worker for the duration of the block."""
    task = asyncio.create_task(keep_running(worker_command(settings), worker_environment(settings)))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
