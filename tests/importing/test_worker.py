"""What a worker of the import loads: pixels to values, and nothing of the database."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_worker_knows_no_table() -> None:
    code = (
        "import sys, faceid_core.importing.worker;"
        "print(sorted(name for name in sys.modules"
        " if name.split('.')[0] in ('sqlalchemy', 'sqlmodel', 'alembic')"
        " or name.startswith('faceid_core.library')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
