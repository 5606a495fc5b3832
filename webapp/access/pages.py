"""What the pages before the app do: sign in, add the first user, change one's password, sign out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from faceid_core.errors import FaceIdError
from faceid_core.library import person_names
from webapp import theme
from webapp.access import html
from webapp.access.addresses import local_path
from webapp.access.identity import HEADER, Identity, Visitors
from webapp.access.oidc import OidcSignIn
from webapp.access.sessions import Sessions
from webapp.access.throttle import Throttle, network_of

if TYPE_CHECKING:
    from faceid_core.library import UserView

log = logging.getLogger(__name__)

FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
"""Wrong passwords that cost no wait; a household behind one address mistypes more often than one person."""

EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MOST_FORM_BYTES = 8192
WRONG = "The name or password is wrong."
DIFFERENT = "The two new passwords don't match; type them again."
FORGET_PICTURES = {"Clear-Site-Data": '"cache"'}
"""Pictures are kept by the browser for as long as the server runs, but not for whoever sits there next."""


class Pages:
    """The routes of /sign-in, /sign-out and /account."""

    def __init__(self, visitors: Visitors, sessions: Sessions) -> None:
        self._visitors, self._sessions = visitors, sessions
        self._users, self._settings = visitors.library.users, visitors.library.settings
        self._by_name, self._by_address = Throttle(FREE_BY_NAME), Throttle(FREE_BY_ADDRESS)
        self._oidc = OidcSignIn(visitors, sessions) if self._settings.has_oidc else None

    def routes(self) -> list[BaseRoute]:
        """For the app, behind the gate, which lets everybody through to all but /account."""
        own = [
            Route("/sign-in", self.show_sign_in, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-in/first", self.show_first, methods=["GET"]),
            Route("/sign-in/first", self.add_first, methods=["POST"]),
            Route("/sign-in/state", self.state, methods=["GET"]),
            Route("/sign-in/style.css", self.style, methods=["GET"]),
            Route("/sign-in/font", self.font, methods=["GET"]),
            Route("/sign-in/{name:str}.svg", self.picture, methods=["GET"]),
            Route("/sign-out", self.stay, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/account", self.show_account, methods=["GET"]),
            Route("/account", self.change_password, methods=["POST"]),
        ]
        # The gate lets everybody through to these addresses, so none may fall through to the app.
        closed = ("/sign-in", "/sign-in/{rest:path}", "/sign-out")
        rest = [Route(path, self.nothing, methods=EVERY_METHOD) for path in closed]
        return [*own, *(self._oidc.routes() if self._oidc else []), *rest]

    # --- signing in ---------------------------------------------------------------------------------------------
    async def show_sign_in(self, request: Request) -> Response:
        """The form; whoever needs none goes on."""
        target = local_path(request.query_params.get("next", "/"))
        if not await to_thread.run_sync(self._visitors.must_sign_in) or await self._user_of(request):
            return self._go(request, target)
        return await self._form(request, target)

    async def sign_in(self, request: Request) -> Response:
        """Check name and password, slower and slower for whoever guesses."""
        if (given := await _form_of(request)) is None:
            return PlainTextResponse("That form is too large.", 413)
        name, target = _text(given, "name"), local_path(_text(given, "next") or "/")
        if wait := self._begin(request, name):
            return await self._slow_down(request, wait, target, name)
        user = await to_thread.run_sync(self._users.check, name, _text(given, "password"))
        if user is None:
            log.warning("a sign-in from %s failed", _address(request))
            return await self._form(request, target, name=name, problem=WRONG, status=401)
        self._succeeded(request, name)
        return self._welcome(request, user, target)

    async def _form(
        self, request: Request, target: str, *, name: str = "", problem: str = "", status: int = 200
    ) -> Response:
        passwords = await to_thread.run_sync(self._users.exist)
        provider = self._oidc.label if self._oidc else ""
        return html.sign_in(
            root=_root(request), target=target, name=name, problem=problem, provider=provider, passwords=passwords,
            status=status,
        )  # fmt: skip

    def _begin(self, request: Request, name: str) -> int:
        """Seconds to wait before the next attempt; 0 starts one."""
        address = network_of(_address(request))
        return self._by_address.begin(address) or self._by_name.begin(_key(name))

    def _succeeded(self, request: Request, name: str) -> None:
        self._by_name.succeeded(_key(name))
        self._by_address.not_failed(network_of(_address(request)))

    async def _slow_down(self, request: Request, wait: int, target: str, name: str) -> Response:
        problem = f"Too many wrong passwords; try again in {_span(wait)}."
        answer = await self._form(request, target, name=name, problem=problem, status=429)
        answer.headers["Retry-After"] = str(wait)
        return answer

    def _welcome(self, request: Request, user: UserView, target: str) -> Response:
        answer = self._go(request, target)
        self._sessions.give(answer, self._sessions.new(user))
        return answer

    def _go(self, request: Request, target: str) -> Response:
        return RedirectResponse(_root(request) + target, 303, headers=html.NOT_KEPT)

    # --- the first user -----------------------------------------------------------------------------------------
    async def show_first(self, request: Request) -> Response:
        """The form; once there are users, the sign-in page."""
        if await to_thread.run_sync(self._visitors.must_sign_in):
            return self._go(request, "/sign-in")
        return html.first_user(root=_root(request))

    async def add_first(self, request: Request) -> Response:
        """Add the owner and sign them in."""
        if await to_thread.run_sync(self._visitors.must_sign_in):
            return self._go(request, "/sign-in")
        if (given := await _form_of(request)) is None:
            return PlainTextResponse("That form is too large.", 413)
        name, root = _text(given, "name"), _root(request)
        if _text(given, "new") != _text(given, "again"):
            return html.first_user(root=root, name=name, problem=DIFFERENT, status=422)
        try:
            user = await to_thread.run_sync(self._users.add_first, name, _text(given, "new"))
        except FaceIdError as error:
            return html.first_user(root=root, name=name, problem=str(error), status=422)
        self._visitors.forget()
        return self._welcome(request, user, "/users")

    # --- one's account ------------------------------------------------------------------------------------------
    async def show_account(self, request: Request) -> Response:
        """One's name, role and password."""
        user = await self._user_of(request)
        return _account(request, user) if user else self._go(request, "/sign-in")

    async def change_password(self, request: Request) -> Response:
        """Asks for the old one, as somebody may have left the browser open; ends all other sessions."""
        user, given = await self._user_of(request), await _form_of(request)
        if user is None or given is None or not user.has_password:
            return self._go(request, "/account")
        if wait := self._begin(request, user.name):
            answer = _account(request, user, problem=f"Try again in {_span(wait)}.", status=429)
            answer.headers["Retry-After"] = str(wait)
            return answer
        if await to_thread.run_sync(self._users.check, user.name, _text(given, "old")) is None:
            return _account(request, user, problem="The current password is wrong.", status=422)
        self._succeeded(request, user.name)
        if _text(given, "new") != _text(given, "again"):
            return _account(request, user, problem=DIFFERENT, status=422)
        try:
            own = self._visitors.library.acting_as(user.actor).users
            changed = await to_thread.run_sync(own.set_password, user.name, _text(given, "new"))
        except FaceIdError as error:
            return _account(request, user, problem=str(error), status=422)
        self._visitors.forget()
        answer = _account(
            request, changed, done="Your password has been changed. You are signed out everywhere else."
        )
        self._sessions.give(answer, self._sessions.new(changed))
        return answer

    async def sign_out(self, request: Request) -> Response:
        """End this session, also for copies of its cookie."""
        identity = _identity(request)
        if identity and identity.session:
            await to_thread.run_sync(self._users.end_session, identity.session, self._sessions.latest_end())
            self._visitors.forget()
        answer = self._go(request, "/sign-in")
        answer.headers.update(FORGET_PICTURES)
        self._sessions.take(answer)
        return answer

    async def stay(self, request: Request) -> Response:
        """An address that was typed, or a picture on another site, signs nobody out."""
        return self._go(request, "/account")

    async def nothing(self, _: Request) -> Response:
        """For addresses that are not there."""
        return JSONResponse({"error": "There is nothing here."}, 404)

    async def state(self, request: Request) -> Response:
        """204 while one is signed in, else 401: open pages ask, and leave."""
        out = await to_thread.run_sync(self._visitors.must_sign_in) and not await self._user_of(request)
        return Response(status_code=401 if out else 204, headers=html.NOT_KEPT)

    async def _user_of(self, request: Request) -> UserView | None:
        identity = _identity(request)
        return await to_thread.run_sync(self._visitors.user, identity) if identity else None

    # --- files --------------------------------------------------------------------------------------------------
    async def style(self, request: Request) -> Response:
        """The pages' style."""
        return Response(theme.sign_in_css(_root(request)), media_type="text/css")

    async def font(self, _: Request) -> Response:
        """Streamlit's own font."""
        return FileResponse(theme.font_files()["normal"], headers={"Cache-Control": "max-age=86400"})

    async def picture(self, request: Request) -> Response:
        """Logo and icon."""
        file = {"logo": theme.LOGO, "icon": theme.ICON}.get(request.path_params["name"])
        return FileResponse(file) if file else JSONResponse({"error": "There is nothing here."}, 404)


def _account(request: Request, user: UserView, *, problem: str = "", done: str = "", status: int = 200) -> Response:
    return html.account(
        root=_root(request), name=user.name, role=user.role, has_password=user.has_password, problem=problem,
        done=done, status=status,
    )  # fmt: skip


def _identity(request: Request) -> Identity | None:
    text = request.headers.get(HEADER)
    return Identity.parse(text) if text else None


async def _form_of(request: Request) -> FormData | None:
    """What was posted; None for more than a form of ours can hold."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MOST_FORM_BYTES:
        return None
    return await request.form(max_files=0, max_fields=10)


def _text(given: FormData, name: str) -> str:
    value = given.get(name, "")
    return value if isinstance(value, str) else ""


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _key(name: str) -> str:
    """As the library tells names apart, so that no other spelling of one gets attempts of its own."""
    return person_names.key(name.strip())[:100]


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} minutes"
