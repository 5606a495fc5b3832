"""HEIF can be written."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
