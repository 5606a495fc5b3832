from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from webapp.lazy_app import Later


def _get(app: Later) -> str:
    async def ask() -> str:
        async with app.running():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return (await client.get("/")).text

    return asyncio.run(ask())


def test_the_app_is_built_in_a_thread_and_lives_as_long_as_the_block() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        events.append("start")
        yield
        events.append("stop")

    def build() -> FastAPI:
        events.append("main" if threading.current_thread() is threading.main_thread() else "thread")
        app = FastAPI(lifespan=lifespan)
        app.get("/")(lambda: list(events))
        return app

    assert _get(Later(build)) == '["thread","start"]'
    assert events == ["thread", "start", "stop"]


def test_a_failed_build_fails_the_request() -> None:
    with pytest.raises(ZeroDivisionError):
        _get(Later(lambda: 1 / 0))  # type: ignore[arg-type, return-value]
