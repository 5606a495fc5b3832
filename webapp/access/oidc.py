"""Signing in with a provider of OpenID Connect, by Authlib: discovery, state, nonce and PKCE are its."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from faceid_core.errors import FaceIdError, InvalidSetting, NotAllowed
from faceid_core.values import PROGRAM, Role
from webapp.access import html
from webapp.access.addresses import local_path
from webapp.access.identity import Visitors
from webapp.access.sessions import Sessions, cookie_name, session_key

if TYPE_CHECKING:
    from faceid_core.library import UserView
    from faceid_core.settings import Settings

log = logging.getLogger(__name__)

FLOW_SECONDS = 600
"""How long somebody may take at the provider."""

FAILED = "Signing in with {} failed; try again, or ask whoever runs faceid to check its log."


class OidcSignIn:
    """The routes below /sign-in/oidc. Raises InvalidSetting for a secret that can't be read."""

    def __init__(self, visitors: Visitors, sessions: Sessions) -> None:
        from authlib.integrations.starlette_client import OAuth

        self._visitors, self._sessions, self._settings = visitors, sessions, visitors.library.settings
        issuer = (self._settings.oidc_issuer or "").rstrip("/")
        self.label = urlsplit(issuer).netloc
        self._provider = OAuth().register(
            "provider",
            client_id=self._settings.oidc_client_id,
            client_secret=_secret(self._settings),
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
        )

    def routes(self) -> list[BaseRoute]:
        """State and nonce wait for the answer in a signed cookie of their own."""
        waiting = Middleware(
            SessionMiddleware,
            secret_key=session_key(self._settings.library) + "oidc",
            session_cookie=cookie_name("faceid-oidc", self._settings),
            max_age=FLOW_SECONDS,
            same_site="lax",
            https_only=(self._settings.public_url or "").lower().startswith("https:"),
        )
        own = [Route("/", self.start, methods=["GET"]), Route("/done", self.finish, methods=["GET"])]
        return [Mount("/sign-in/oidc", routes=own, middleware=[waiting])]

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        request.session["next"] = local_path(request.query_params.get("next", "/"))
        try:
            answer: Response = await self._provider.authorize_redirect(request, self._return_address(request))
        except Exception:
            log.exception("the provider of OpenID Connect can't be used")
            return self._failed(request, FAILED.format(self.label), 502)
        return answer

    async def finish(self, request: Request) -> Response:
        """The provider has sent the browser back."""
        target = request.session.get("next", "/")
        try:
            token = await self._provider.authorize_access_token(request)
            user = await to_thread.run_sync(self._user, dict(token.get("userinfo") or {}))
        except FaceIdError as error:
            return self._failed(request, str(error), 403)
        except Exception:
            log.exception("signing in by OpenID Connect failed")
            return self._failed(request, FAILED.format(self.label), 401)
        finally:
            request.session.clear()
        answer = RedirectResponse(self._settings.public_path + target, 303, headers=html.NOT_KEPT)
        self._sessions.give(answer, self._sessions.new(user))
        return answer

    def _user(self, claims: dict[str, Any]) -> UserView:
        """Raises NotAllowed for whom nobody has let in."""
        name = str(claims.get(self._settings.oidc_name_claim) or "").strip()
        if not name or not claims.get("sub"):
            raise NotAllowed(
                f"{self.label} did not say who you are; ask whoever runs faceid to check its settings."
            )
        if self._settings.oidc_name_claim == "email" and claims.get("email_verified") is False:
            raise NotAllowed(f"{self.label} has not verified your e-mail address yet.")
        role = self._role(name, claims.get("groups"))
        users = self._visitors.library.acting_as(PROGRAM).users  # nobody but it adds whom the provider names
        if role is None and self._is_mapped():
            raise NotAllowed("You may not use this library; ask its owner.")
        user = users.of_subject(str(claims.get("iss", "")), str(claims["sub"]), name, role)
        if user is None:
            raise NotAllowed("You are not a user of this library yet; ask its owner to add you.")
        self._visitors.forget()
        return user

    def _is_mapped(self) -> bool:
        settings = self._settings
        return any((settings.oidc_owners, settings.oidc_editors, settings.oidc_viewers))

    def _role(self, name: str, groups: object) -> Role | None:
        """The highest that the settings give to this name, to one of the groups, or to everybody by “*”."""
        own = {name.casefold(), "*"} | {
            str(group).casefold() for group in (groups if isinstance(groups, list) else [])
        }
        lists = {
            Role.OWNER: self._settings.oidc_owners,
            Role.EDITOR: self._settings.oidc_editors,
            Role.VIEWER: self._settings.oidc_viewers,
        }
        return next(
            (role for role, names in lists.items() if own & {each.casefold() for each in names or ()}), None
        )

    def _return_address(self, request: Request) -> str:
        """The address that the provider must know, so it is the public one where there is one."""
        base = (self._settings.public_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
        return f"{base}/sign-in/oidc/done"

    def _failed(self, request: Request, sentence: str, status: int) -> Response:
        passwords = self._visitors.library.users.exist()
        return html.sign_in(
            root=self._settings.public_path, target="/", problem=sentence, provider=self.label, passwords=passwords,
            status=status,
        )  # fmt: skip


def _secret(settings: Settings) -> str | None:
    if settings.oidc_client_secret_file is None:
        return settings.oidc_client_secret
    try:
        return settings.oidc_client_secret_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidSetting(
            f"The file that FACEID_OIDC_CLIENT_SECRET_FILE names can't be read ({error.strerror})."
        ) from error
