"""The recognisers as Gradio apps, as the server mounts them: one face, and several faces or many photos."""

from __future__ import annotations

import logging
import os
import shutil
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.routing import Mount

from faceid_core.atomic import PRIVATE_FOLDER
from faceid_core.settings import Settings
from webapp import theme
from webapp.gradio_group import group_app
from webapp.gradio_parts import NO_CAMERA
from webapp.gradio_single import single_app

if TYPE_CHECKING:
    import gradio

log = logging.getLogger(__name__)

WORDS = {"image.no_webcam_support": NO_CAMERA}
"""Instead of Gradio's own sentence, for pages that get no camera at all; for the others see gradio_camera.js."""

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt-BR", "pl", "ru", "ja", "ko", "zh-CN", "zh-TW")
"""Of browsers that get WORDS, in English like the rest of faceid."""

WAITING, PER_SESSION = 32, 3
"""Pictures that may wait: altogether, and of one browser tab."""

NONSENSE = "This request can't be understood; reload the page and try again."


def build(settings: Settings) -> FastAPI:
    """The sub-application for /gradio. Enter its lifespan before the first request."""
    shutil.rmtree(settings.temporary_folder, ignore_errors=True)  # what a server that was killed has left
    settings.temporary_folder.mkdir(PRIVATE_FOLDER, parents=True)
    os.environ["GRADIO_TEMP_DIR"] = str(settings.temporary_folder.resolve())
    import gradio as gr

    host = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for path, make in {"/single": single_app, "/group": group_app}.items():
        app = make(settings).queue(max_size=WAITING, default_concurrency_limit=2)
        gr.mount_gradio_app(
            host,
            app,
            path,
            show_error=False,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            max_file_size=f"{settings.max_upload_mb}mb",
            theme=theme.gradio_theme(),
            css=theme.gradio_css(settings.public_path),
            head=f"<script>{theme.GRADIO_SCRIPT}</script>",
            i18n=gr.I18n(**dict.fromkeys(LANGUAGES, WORDS)),
        )
        app.has_launched = True  # only then does Gradio refuse paths that nobody uploaded
        _share_out(app)
    for route in host.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            _refuse_rubbish(route.app)
    return host


def _refuse_rubbish(app: FastAPI) -> None:
    """What Gradio can't make sense of is the sender's mistake, not the server's: 400 instead of 500."""

    def refuse(request: Request, error: Exception) -> JSONResponse:
        log.info("a request to %s made no sense", request.url.path, exc_info=error)
        return JSONResponse({"detail": NONSENSE}, status_code=400)

    for kind in (RequestValidationError, LookupError, TypeError, ValueError):
        app.add_exception_handler(kind, refuse)


def _share_out(app: gradio.Blocks) -> None:
    """Let no browser tab have more than PER_SESSION pictures waiting: others would wait for all of them."""
    queue, push = app._queue, app._queue.push

    async def push_if_fair(body: Any, request: Any, username: str | None) -> Any:
        if len(queue.pending_event_ids_session.get(body.session_hash, ())) >= PER_SESSION:
            return False, "Wait until your other pictures are done.", "queue_full"
        return await push(body, request, username)

    queue.push = push_if_fair  # type: ignore[method-assign]  # Gradio has no setting for it
