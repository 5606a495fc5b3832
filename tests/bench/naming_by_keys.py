"""What it takes to name a whole library in a browser, by real keys: the queue of questions beside the groups.

    PYTHONPATH=. python -m tests.bench.naming_by_keys FOLDER [--faces 1000] [--people 80] [--pace 0] [--like CACHE]

FOLDER gets two equal drawn libraries without names, grouped as the app does it, for a user who knows everybody (see
scripted_user.py) to name: in one by the page Name faces until nothing is asked any more, in the other group by
group on the page Faces, then the single faces. --like draws the faces as those of a cache of
tests/bench/grouping.py, which are harder to tell apart than the usual ones. --pace 1 rests 1.5 s a question, 0.2 s
a key and 0.5 s a clicked face; with 0, these are added to the measured waiting by reckoning.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from faceid_core.library import Library
from faceid_core.settings import Settings
from faceid_core.steps.cluster import cluster_faces
from faceid_core.values import Flag, Ints, Vectors
from tests.bench.drawn_library import PER_PHOTO, add_faces, draw
from tests.bench.scripted_user import STRANGER, Effort, GroupsUser, QueueUser
from tests.bench.synthetic import Population
from tests.browser.conftest import ARGUMENTS, CHROMIUM, running_server

FIRST = (
    "Ada", "Alan", "Anna", "Anton", "Bela", "Berta", "Carl", "Clara", "Dana", "Dora", "Edith", "Emil", "Emma",
    "Erik", "Eva", "Felix", "Flora", "Georg", "Gina", "Greta", "Hanna", "Hugo", "Ida", "Igor", "Ines", "Jan",
    "Jens", "Julia", "Karl", "Kira", "Kurt", "Lara", "Lena", "Leo", "Leon", "Leonard", "Lina", "Lisa", "Luis",
    "Mara", "Max", "Mia", "Mila", "Nils", "Nina", "Nora", "Olga", "Otto", "Paul", "Pia", "Rita", "Rosa", "Ruth",
    "Sara", "Sven", "Tara", "Tim", "Uwe", "Vera", "Wanda",
)  # fmt: skip
LAST = ("", " Berg", " Frank", " Sommer", " Winter", " Yilmaz")
STRANGERS = 0.1


def names_of(truth: Ints) -> dict[int, str]:
    """Face -> name. Whoever is there once is a stranger."""
    sizes = np.bincount(truth)
    known = {person: place for place, person in enumerate(np.flatnonzero(sizes > 1).tolist())}
    every = [first + last for last in LAST for first in FIRST]
    return {
        row + 1: every[known[person]] if person in known else STRANGER for row, person in enumerate(truth.tolist())
    }


def apart(truth: Ints, seed: int = 2) -> Ints:
    """An order (N,) in which nobody is twice among the faces of a photo."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(truth))
    photos = np.arange(len(order)) // PER_PHOTO
    for _ in range(1000):
        pairs = photos * (truth.max() + 1) + truth[order]
        _, first = np.unique(pairs, return_index=True)
        again = np.setdiff1d(np.arange(len(order)), first)
        if not len(again):
            return order
        for place in again.tolist():
            other = int(rng.integers(len(order)))
            order[[place, other]] = order[[other, place]]
    raise ValueError("somebody has too large a share of the faces")


def like(cache: Path, faces: int, people: int, seed: int) -> tuple[Vectors, Ints]:
    """Vectors and people as of real faces."""
    stored = np.load(cache)
    population = Population.fit(stored["vectors"][stored["middle"]], stored["name"][stored["middle"]])
    rng = np.random.default_rng(seed)
    strangers = int(STRANGERS * faces)
    shares = np.minimum(1 / rng.uniform(size=people), 60)
    sizes = np.maximum((shares / shares.sum() * (faces - strangers)).astype(np.int64), 2)
    return population.draw(np.concatenate([sizes, np.ones(strangers, np.int64)]), seed)


def make(folder: Path, vectors: Vectors) -> None:
    with Library.open(Settings(library=folder, database_url=None)) as library:
        add_faces(library, vectors)
        report = cluster_faces(library)
        library._database.optimise()
    print(f"{report.faces} faces, {report.clusters} groups, {report.single} faces in none", flush=True)


def check(folder: Path, names: Mapping[int, str]) -> str:
    """How the names that were given compare with the truth."""
    with Library.open(Settings(library=folder, database_url=None)) as library:
        given = names_given(library)
        ignored = set(library.faces.with_flag(Flag.STRANGER))
    known = [face for face, name in names.items() if name]
    right = sum(given.get(face) == names[face] for face in known)
    wrong = sum(given[face] != names[face] for face in given)
    same = _pairs(Counter((given[face], names[face] or str(face)) for face in given))
    named, true = _pairs(Counter(given.values())), _pairs(Counter(names[face] for face in known))
    return (
        f"{right} of {len(known)} faces have their name, {wrong} a wrong one, {len(known) - right - wrong} none; "
        f"{len(ignored)} strangers ignored; pairs: precision {same / max(named, 1):.4f}, recall {same / true:.4f}; "
        f"{len(set(given.values()))} of {len({names[face] for face in known})} people"
    )


def names_given(library: Library) -> dict[int, str]:
    """Face -> name, of those with one."""
    labels = library.gallery.standing().labels[:, :2].tolist()
    people = {person.id: person.name for person in library.people.all()}
    return {face: people[person] for face, person in labels}


def _pairs(sizes: Counter[str] | Counter[tuple[str, str]]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def processor_seconds(folder: Path) -> float:
    """Of the server of a library, without its worker: what waiting would be on a machine that does nothing else. On
    Linux."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"serve" in command and str(folder).encode() in command:
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:  # it ended
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def report(what: str, effort: Effort, wall: float, processor: float, pace: float) -> None:
    waits = sorted(1000 * wait for wait in effort.waits)
    total = wall if pace else effort.human_seconds + sum(effort.waits)
    each = ", ".join(f"{number} {kind}" for kind, number in effort.questions.most_common())
    print(
        f"{what}: {total / 60:.1f} min at {'a real' if pace else 'a reckoned'} human pace, "
        f"{sum(effort.waits) / 60:.1f} of them waiting\n"
        f"  {effort.questions.total()} questions ({each}), {effort.keys} keys, {effort.clicks} clicks\n"
        f"  waiting: median {statistics.median(waits):.0f} ms, p95 {waits[int(0.95 * (len(waits) - 1))]:.0f} ms, "
        f"at most {waits[-1]:.0f} ms; {1000 * processor / len(waits):.0f} ms of the server's processor each",
        flush=True,
    )


def by_queue(page: Page, url: str, names: Mapping[int, str], pace: float) -> Effort:
    page.goto(f"{url}/name_faces")
    page.get_by_role("button", name="Skip").wait_for(timeout=60_000)
    return QueueUser(page, names, pace).run()


def by_groups(page: Page, url: str, names: Mapping[int, str], pace: float) -> Effort:
    page.goto(f"{url}/clusters")
    page.get_by_role("button", name="Not a face").wait_for(timeout=60_000)
    return GroupsUser(page, names, pace).run()


Way = Callable[[Page, str, Mapping[int, str], float], Effort]
WAYS: dict[str, Way] = {"queue": by_queue, "groups": by_groups}


def measure(folder: Path, names: Mapping[int, str], what: str, pace: float) -> None:
    with running_server(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        started, before = time.perf_counter(), processor_seconds(folder)
        effort = WAYS[what](page, url, names, pace)
        wall, processor = time.perf_counter() - started, processor_seconds(folder) - before
        browser.close()
    report(what, effort, wall, processor, pace)
    print(f"  {check(folder, names)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--faces", type=int, default=1000)
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--pace", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--like", type=Path, help="a cache of grouping.py")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    if options.like:
        vectors, truth = like(options.like, options.faces, options.people, options.seed)
    else:
        vectors, truth = draw(options.faces, options.people, options.seed)
    order = apart(truth)
    names = names_of(truth[order])
    for what in options.ways:
        folder = options.folder / what
        shutil.rmtree(folder, ignore_errors=True)
        make(folder, vectors[order])
        measure(folder, names, what, options.pace)


if __name__ == "__main__":
    main()
