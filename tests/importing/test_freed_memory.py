"""A worker keeps the memory of one photo for the next."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

LOOP = """
import resource, sys
import numpy as np
from faceid_core.importing.photo import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()

def photo():
    blocks = [np.ones(3_000_000, np.uint8) for _ in range(4)]

photo(), photo()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    photo()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def new_pages(how: str) -> int:
    out = subprocess.run([sys.executable, "-c", LOOP, how], capture_output=True, text=True, check=True)
    return int(out.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_the_next_photo_takes_the_memory_of_the_last() -> None:
    assert new_pages("keep") * 5 < new_pages("as it is")
