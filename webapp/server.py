"""One ASGI app on one port: the Streamlit pages, the JSON API at /api and the Gradio recognisers at /gradio."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import Mount
from streamlit.starlette import App

from faceid_core.errors import BadInput
from faceid_core.settings import Settings
from faceid_core.unknown_settings import report_unknown_settings
from faceid_core.values import PROGRAM
from webapp import api, app_pages, context, front_page, gradio_apps, metrics, theme
from webapp.access.gate import Gate
from webapp.access.pages import Pages
from webapp.access.sessions import Sessions
from webapp.access.uploads import Uploads
from webapp.guard import Guard, hostname
from webapp.lazy_app import Later
from webapp.long_lived import LongLived
from webapp.proxy import FromProxy, PublicName
from webapp.shared import SharedPages
from webapp.worker import supervised_worker, worker_environment

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("app.py")
STOP_SECONDS = 3
"""Open pages hold a connection for ever; the server waits this long for them when it stops."""


def configure_streamlit(settings: Settings) -> None:
    """Streamlit's configuration, in code, so that a user's own config.toml changes nothing here."""
    from streamlit.web import bootstrap

    options: dict[str, Any] = {
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "minimal",
        "global.developmentMode": False,
        "logger.level": "warning",
        "runner.magicEnabled": False,
        "server.address": settings.host,
        "server.enableAgentApi": False,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.headless": True,
        "server.maxUploadSize": settings.max_upload_mb,
        "server.showEmailPrompt": False,
        **theme.STREAMLIT,
    }
    bootstrap.load_config_options(options)


def build_app(settings: Settings, *, worker: bool = True) -> App:
    """The whole web app. Without `worker`, queued jobs wait for a `faceid work` that somebody else starts."""
    report_unknown_settings(log.warning)
    context.configure(settings)
    configure_streamlit(settings)
    recognisers = Later(lambda: gradio_apps.build(settings))
    visitors, sessions = context.visitors(), Sessions(settings)

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            running.callback(context.close_libraries)
            running.enter_context(LongLived())
            context.visitors()  # a database that can't be opened stops the start, with its sentence
            await running.enter_async_context(recognisers.running())
            if worker:
                await running.enter_async_context(supervised_worker(settings))
            yield

    routes = [
        *Pages(visitors, sessions).routes(),
        *SharedPages(lambda: context.visitors().library).routes(),
        *front_page.routes(),
        metrics.route(),
        Mount("/api", api.build(settings)),
        Mount("/gradio", recognisers),
    ]
    gate = Middleware(Gate, visitors=visitors, sessions=sessions)
    uploads = Middleware(Uploads, visitors=visitors, folder=settings.temporary_folder)
    return App(SCRIPT, lifespan=lifespan, routes=routes, middleware=[*_guards(settings), gate, uploads])


def _guards(settings: Settings) -> list[Middleware]:
    """On a loopback address only loopback names are answered, and the public one."""
    origin, path = settings.public_origin, settings.public_path
    hosts = None
    if settings.is_local:
        public = [hostname(urlsplit(origin).netloc)] if origin else []
        hosts = ["localhost", "127.0.0.1", "::1", settings.host, *public]
    return [
        Middleware(FromProxy, trusted=settings.trusted_proxies, origin=origin, path=path),
        Middleware(Guard, hosts=hosts, origins=[origin] if origin else []),
        Middleware(PublicName, origin=origin),
    ]


def bind(settings: Settings) -> socket.socket:
    """A listening socket. BadInput where the address or port can't be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        raise BadInput(_why_not(error, settings)) from error


def _why_not(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is in use by another program; choose another with --port (0: any free one)."
    if error.errno == errno.EACCES:
        return f"Port {settings.port} needs administrator rights; choose one above 1023 with --port."
    return f"The address {settings.host} is not one of this machine; use 127.0.0.1, or one that is, with --host."


def address(listener: socket.socket) -> str:
    """The URL of what listens here."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


_server: uvicorn.Server | None = None
_pending: Callable[[], object] | None = None


def restart_after(act: Callable[[], object]) -> None:
    """Stop this server, act while nobody here has the library open, and serve again in a fresh process, so that
    nothing is remembered from before. Raises BadInput where `serve` does not run."""
    global _pending  # noqa: PLW0603 - one server in a process
    if _server is None:
        raise BadInput("This server can't restart itself; stop it and use `faceid restore`.")
    _pending = act
    _server.should_exit = True


def _start_again(settings: Settings, port: int) -> None:
    """Become a new server with the same settings, at the same address."""
    same = settings.model_copy(update={"port": port})
    folder = str(settings.library.resolve())
    command = [sys.executable, "-m", "faceid_core.cli", "--library", folder, "serve"]
    environment = worker_environment(same)
    os.execve(sys.executable, command, environment)  # nosec B606  # our own program


WARM_UP_AFTER_S = 4.0
"""After the start of the server: the first page comes first."""


def _warm_up() -> None:
    """In the background: the server answers meanwhile."""
    from faceid_core.steps.recognise import warm_up

    for page in iter_modules(app_pages.__path__, f"{app_pages.__name__}."):
        with suppress(Exception):  # whoever opens it sees what it is
            importlib.import_module(page.name)
    try:
        warm_up(context.visitors().library.acting_as(PROGRAM))
    except Exception:  # whoever recognises first sees what it is
        log.debug("The recogniser could not be loaded beforehand.", exc_info=True)


def serve(settings: Settings, *, announce: Callable[[str], None] | None = None) -> None:
    """Serve until interrupted. `announce` gets the URL as soon as it answers. BadInput where the port is taken, and
    where everybody on the network could come in."""
    import uvicorn

    global _server  # noqa: PLW0603 - one server in a process
    context.configure(settings)
    context.visitors().library.refuse_open_door()
    soon = threading.Timer(WARM_UP_AFTER_S, _warm_up)
    soon.daemon = True
    with bind(settings) as listener:
        url = address(listener)

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    log.info("Serving at %s", url)
                    if announce:
                        announce(url)
                    soon.start()

        config = uvicorn.Config(
            build_app(settings),
            access_log=False,
            log_config=None,
            proxy_headers=False,  # FromProxy judges them, and remembers who sent them
            timeout_graceful_shutdown=STOP_SECONDS,
            ws_max_size=(settings.max_upload_mb + 1) * 1024**2,
        )
        _server, port = Server(config), listener.getsockname()[1]
        _server.run(sockets=[listener])
        _server = None
    soon.cancel()
    if _pending is not None:
        _pending()
        _start_again(settings, port)
