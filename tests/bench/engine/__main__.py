"""Our engine beside face_recognition and dlib: both sides in one run, on the same photos and the same core.

python -m tests.bench.engine [SECTION]... [--data DIR] [--slow]      (default: all sections, ../shared/data)

Sections: embedding, detection, limit, import, recognition, recall, negatives, lfw, worker. Prints Markdown tables.
Times are CPU seconds of this process, pinned to one core with one thread: other programs on the machine blur the
ratios little.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from faceid_core.settings import Settings
from tests.bench.engine.finding import bench_negatives, bench_recall
from tests.bench.engine.imports import bench_import, bench_worker
from tests.bench.engine.networks import bench_detection, bench_embedding, bench_limit
from tests.bench.engine.recognising import bench_recognition
from tests.bench.engine.verification import bench_lfw

SHARED = Path(__file__).parents[4] / "shared" / "data"

SECTIONS: dict[str, Callable[[Path, Settings], None]] = {
    "embedding": bench_embedding,
    "detection": bench_detection,
    "limit": bench_limit,
    "import": bench_import,
    "recognition": bench_recognition,
    "recall": bench_recall,
    "negatives": bench_negatives,
    "lfw": bench_lfw,
    "worker": bench_worker,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    parser.add_argument("--data", type=Path, default=SHARED, help="the folder of real photos")
    parser.add_argument("--library", type=Path, default=Path(tempfile.gettempdir()) / "faceid-bench")
    parser.add_argument("--slow", action="store_true", help="recall and negatives: HOG and dlib's CNN, too")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = Settings(library=given.library)
    for name in given.sections or SECTIONS:
        extra = {"slow": True} if given.slow and name in {"recall", "negatives"} else {}
        SECTIONS[name](given.data, settings, **extra)


if __name__ == "__main__":
    main()
