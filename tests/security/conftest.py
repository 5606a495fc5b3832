"""A library without users, and browsers in front of its gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from faceid_core.library import Library, passwords
from faceid_core.values import Role
from tests import sharing
from tests.security.gates import GOOD, Start, client_of
from webapp.access import identity


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of little work, and nothing that is remembered for two seconds."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    monkeypatch.setattr(identity, "FRESH_SECONDS", 0.0)


@pytest.fixture
def library(quick: None, tmp_path: Path) -> Iterator[Library]:
    with Library.open(sharing.new_library(tmp_path / "library")) as opened:
        yield opened


@pytest.fixture
def start(library: Library) -> Start:
    """`start(setting=value)`: a browser in front of the gate, with these settings."""

    def make(peer: str = "192.0.2.50", **settings: Any) -> TestClient:
        library.settings = library.settings.model_copy(update=settings)
        return client_of(library, peer)

    return make


@pytest.fixture
def ada(library: Library) -> None:
    library.users.add("Ada", Role.OWNER, GOOD)


@pytest.fixture(scope="module")
def own_runtime() -> Iterator[None]:
    """A process has one Runtime of Streamlit for good, also once its server has ended. But two modules that start a
    whole server may come to the same process, and other tests must not find a Runtime that is over."""
    from streamlit.runtime import Runtime

    before, Runtime._instance = Runtime._instance, None
    yield
    Runtime._instance = before
