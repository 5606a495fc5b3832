"""What every worker reaches, from where it runs: the examination behind `faceid doctor --cluster`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from faceid_core import __version__, frame_path
from faceid_core.errors import FaceIdError
from faceid_core.library import Library, WorkerView
from faceid_core.remote import first_bytes, place
from faceid_core.settings import Settings
from faceid_core.steps.doctor import Check, check_engine

PATIENCE_SECONDS = 60.0
"""How long workers may take to answer: they look every ten seconds, and then run the networks once."""

POLL_SECONDS = 0.5

LOOKED_AT = 5
"""Newest photos whose files a worker looks for."""

CLOCK_SECONDS = 60.0
"""Clocks may differ by so much. Work does not depend on them; the times of decisions do."""

ONE_MACHINE = "the library is a file, which only workers of this machine use; faceid doctor checks it"


def findings(library: Library) -> list[dict[str, Any]]:
    """On a worker: what works and what does not, as `Check`s. It has read this request from the database."""
    return [asdict(check) for check in (_storage(library), check_engine(library.settings), _clock(library))]


def examine_cluster(settings: Settings, *, patience_s: float = PATIENCE_SECONDS) -> list[Check]:
    """Ask every worker, and wait for their answers. Raises nothing: what can't be reached is a finding."""
    try:
        with Library.open(settings) as library:
            if library.workers.report_seconds is None:
                return [Check("Database", ONE_MACHINE)]
            return [Check("Database", "reached from here"), *_of_workers(library, patience_s)]
    except FaceIdError as error:
        return [Check("Database", "can't be used", ok=False, advice=str(error))]


def _of_workers(library: Library, patience_s: float) -> list[Check]:
    library.workers.ask()
    deadline = time.monotonic() + patience_s
    while True:
        workers = library.workers.all()
        waiting = [worker for worker in workers if worker.findings is None and not worker.is_lost]
        if not waiting or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    if not workers:
        return [Check("Workers", "there is none", ok=False, advice="Start one: faceid work")]
    return [check for worker in workers for check in _of(worker)]


def _of(worker: WorkerView) -> list[Check]:
    who = f"Worker {worker.name}"
    if worker.findings is None:
        silent = f"silent for {worker.silent_s:.0f} s" if worker.is_lost else "does not answer"
        advice = f"Look at its machine, {worker.host}, and start it again; its work goes to others."
        return [Check(who, silent, ok=False, advice=advice)]
    same = worker.version == __version__
    advice = "" if same else f"Install faceid {__version__} on {worker.host}."
    version = Check(f"{who}: faceid", worker.version, ok=same, advice=advice)
    found = [Check(**each) for each in worker.findings]
    return [version, *(Check(f"{who}: {c.name}", c.found, c.ok, c.advice) for c in found)]


def _storage(library: Library) -> Check:
    """Whether the newest photos can be opened here."""
    paths = [frame_path.file_of(photo.path) for photo in library.photos.page(limit=LOOKED_AT)]
    if not paths:
        return Check("Photos", "none in the library yet")
    wrong, reason = 0, ""
    for path in paths:
        try:
            first_bytes(place(path), 1)
        except FaceIdError as error:
            wrong, reason = wrong + 1, str(error)
        except OSError:
            wrong, reason = wrong + 1, reason or "Make them readable there under the same paths."
    found = f"{len(paths) - wrong} of the {len(paths)} newest can be read"
    return Check("Photos", found, ok=not wrong, advice=reason)


def _clock(library: Library) -> Check:
    ahead = library.workers.clock_difference()
    advice = "" if abs(ahead) <= CLOCK_SECONDS else "Set its clock, for example with NTP."
    return Check("Clock", f"{round(ahead):+} s beside the database's", ok=not advice, advice=advice)
