"""What the audit of a million acts costs, as the command writes it and as a download, beside the plain writer.

    python -m tests.bench.audit [EVENTS]

Times are seconds of this process's CPU; memory is the most that was allocated by Python meanwhile, in MB. The
alternative is csv.writer over the same columns, read by sqlite3 alone: no conversion, no apostrophes.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sqlite3
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import httpx

from faceid_core.exchange.audit_table import COLUMNS
from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps.audit import audit_lines
from webapp import api, context

EVENTS = 1_000_000


def fill(database: Path, events: int) -> None:
    """Acts of three people, a tenth of them undone."""
    acts = (
        (
            f"2026-{1 + at % 12:02}-{1 + at % 28:02} 10:00:00.000000", ("ada", "bo", "cy")[at % 3], "name",
            f"Named {at % 40} faces “Person {at % 500}”", "[]",
            None if at % 10 else "2026-12-31 10:00:00.000000", None if at % 10 else "ada",
        )
        for at in range(events)
    )  # fmt: skip
    columns = "at, actor, kind, summary, changes, undone_at, undone_by"
    with sqlite3.connect(database) as connection:
        connection.executemany(f"INSERT INTO event ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", acts)  # nosec B608


def plain(database: Path, file: Path) -> None:
    names = ", ".join("id" if name == "number" else name for name in COLUMNS)
    with sqlite3.connect(database) as connection, file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(
            connection.execute(f"SELECT {names} FROM event ORDER BY id")  # nosec B608
        )


def by_the_command(library: Library, file: Path) -> None:
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(audit_lines(library))


def as_a_download(settings: Settings, file: Path) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(api.build(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=None) as client:
            file.write_bytes((await client.get("/audit.csv")).content)

    asyncio.run(ask())


def measured(name: str, act: Callable[[], object], base: float = 0.0) -> float:
    started = time.process_time()
    act()
    seconds = time.process_time() - started
    ratio = f", {seconds / base:.1f} times the plain writer" if base else ""
    print(f"{name}: {seconds:.1f} s{ratio}", flush=True)
    return seconds


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    print(f"{events:,} events; load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(library=Path(folder) / "library")
        file, database = Path(folder) / "audit.csv", settings.library / "faceid.db"
        with Library.open(settings) as library:
            fill(database, events)
            base = measured("plain csv.writer", lambda: plain(database, file))
            measured("faceid audit", lambda: by_the_command(library, file), base)
            context.configure(settings)
            measured("GET /api/audit.csv", lambda: as_a_download(settings, file), base)
            context.close_libraries()
            tracemalloc.start()
            by_the_command(library, file)
            print(f"most memory: {tracemalloc.get_traced_memory()[1] / 1e6:.1f} MB")
            tracemalloc.stop()


if __name__ == "__main__":
    main()
