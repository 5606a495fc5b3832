"""An ASGI app that takes long to build: it is built in a thread while the server already answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send


class Later:
    """Requests wait until the app is built; its lifespan is entered and left within one task."""

    def __init__(self, build: Callable[[], FastAPI]) -> None:
        self._build = build
        self._app: asyncio.Future[FastAPI] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Build, and keep the app alive for the duration of the block."""
        self._app = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(self._hold(self._app, stop))
        try:
            yield
        finally:
            stop.set()
            if not self._app.done():
                task.cancel()
            await asyncio.wait([task])

    async def _hold(self, ready: asyncio.Future[FastAPI], stop: asyncio.Event) -> None:
        try:
            app = await asyncio.to_thread(self._build)
            async with app.router.lifespan_context(app):
                ready.set_result(app)
                await stop.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            raise RuntimeError("enter running() before the first request")
        app = await asyncio.shield(self._app)
        await app(scope, receive, send)
