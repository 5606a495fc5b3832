"""Streamlit's page, in which every page of the app is opened, with what Streamlit doesn't know or says too late.

- Where its server is. Streamlit would first ask below the address of the page, be refused, and wait before it asks
  where its server really is: two errors in the console, and a page that stays white for longer.
- The app's name, and the ground in the system's colours: nothing flashes white in the dark.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from pkgutil import iter_modules

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from webapp import app_pages, theme

_GROUND = "theme.{}.backgroundColor"
# The server is where the page's own scripts are, which the page names relative to its address.
_HEAD = f"""
    <script>
      window.__streamlit = {{ BACKEND_BASE_URL: new URL(".", location.href).href }}
    </script>
    <style>
      html {{ background: {theme.STREAMLIT[_GROUND.format("light")]} }}
      @media (prefers-color-scheme: dark) {{ html {{ background: {theme.STREAMLIT[_GROUND.format("dark")]} }} }}
    </style>
"""


@cache
def document() -> str:
    """The page in HTML."""
    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return page.replace("<title>Streamlit</title>", "<title>faceid</title>" + _HEAD, 1)


def routes() -> list[BaseRoute]:
    """The addresses of all pages. What is no address of a page falls through to Streamlit, which says so."""
    names = (page.name for page in iter_modules(app_pages.__path__))
    return [Route(address, _show, methods=["GET"]) for address in ("/", *(f"/{name}" for name in names))]


async def _show(_: Request) -> HTMLResponse:
    return HTMLResponse(document())
