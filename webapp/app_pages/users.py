"""Users: who may sign in and what they may do, and tokens for programs. For owners."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from faceid_core.errors import FaceIdError
from faceid_core.values import Role
from webapp import context
from webapp.context import library
from webapp.feedback import guarded, toast
from webapp.markup import escaped_html, escaped_markdown
from webapp.parts.dialog import dialog
from webapp.wording import long_date

if TYPE_CHECKING:
    from faceid_core.library import TokenView, UserView

MAY = {
    Role.VIEWER: "Sees photos and names, and recognises faces.",
    Role.EDITOR: "Also names faces, answers questions, and undoes what they did.",
    Role.OWNER: "Does everything: imports, trains, erases, and adds users.",
}
DAYS: dict[str, int | None] = {"30 days": 30, "90 days": 90, "1 year": 365, "Never": None}


def page() -> None:
    users = library().users.all()
    if not users:
        _nobody_yet()
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Users")
        if st.button("Add a user", icon=":material/person_add:", type="primary"):
            _add_dialog()
    st.caption("Who may sign in, and what they may do.")
    me = context.signed_in()
    for user in users:
        _row(user, mine=me is not None and user.id == me.id)
    _tokens(users)


def _nobody_yet() -> None:
    st.title("Users")
    st.markdown(
        "Nobody has to sign in yet: anyone who opens this address can do everything. Add yourself as the first "
        "user; from then on, everyone has to sign in."
    )
    first = escaped_html(f"{context.settings().public_path}/sign-in/first")
    st.html(f'<a class="link-button" href="{first}" target="_self">Add the first user</a>')


# --- users --------------------------------------------------------------------------------------------------
def _row(user: UserView, *, mine: bool) -> None:
    with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"card-user-{user.id}"):
        you = " (you)" if mine else ""
        no_password = "" if user.has_password else " · no password"
        st.markdown(
            f"**{escaped_markdown(user.name)}**{you}  \n:small[Added on {long_date(user.created_at)}{no_password}]",
            width="stretch",
        )
        st.selectbox(
            f"Role of {escaped_markdown(user.name)}",
            list(Role),
            index=list(Role).index(user.role),
            format_func=str.capitalize,
            key=f"role-{user.id}-{user.role}",
            label_visibility="collapsed",
            width=130,
            disabled=mine,
            on_change=_set_role,
            args=(user,),
        )
        if mine:
            return
        if st.button("Set password", key=f"password-{user.id}", icon=":material/key:"):
            _password_dialog(user)
        if st.button("Remove", key=f"remove-{user.id}", icon=":material/person_remove:"):
            _remove_dialog(user)


@guarded
def _set_role(user: UserView) -> None:
    role: Role = st.session_state[f"role-{user.id}-{user.role}"]
    library().users.set_role(user.name, role)
    context.visitors().forget()
    toast(f"{escaped_markdown(user.name)} is now {'a' if role is Role.VIEWER else 'an'} {role}.")


def _try(act: Callable[[], object], sentence: str) -> None:
    """Act from a dialog: it shows a refusal, and closes otherwise."""
    try:
        act()
    except FaceIdError as error:
        st.error(escaped_markdown(str(error)), icon=":material/error:")
        return
    context.visitors().forget()
    toast(sentence)
    st.rerun()


@dialog("Add a user", icon=":material/person_add:")
def _add_dialog() -> None:
    settings = context.settings()
    elsewhere = settings.has_oidc or settings.has_proxy_sign_in
    with st.form("add-user", border=False):
        name = st.text_input("Name", max_chars=100, key="new-name", autocomplete="off")
        role = st.radio("Role", list(Role), format_func=str.capitalize, captions=list(MAY.values()), key="new-role")
        password = st.text_input(
            "Password",
            type="password",
            key="new-password",
            autocomplete="new-password",
            help="At least 8 characters. They can change it after signing in.",
        )
        if elsewhere:
            st.caption("Leave the password empty for anyone who signs in through a proxy or provider.")
        if not st.form_submit_button("Add", type="primary"):
            return
    given = password if password or not elsewhere else None
    _try(lambda: library().users.add(name, role or Role.VIEWER, given), f"Added {escaped_markdown(name.strip())}.")


@dialog("Set password", icon=":material/key:")
def _password_dialog(user: UserView) -> None:
    st.markdown(f"This signs **{escaped_markdown(user.name)}** out everywhere.")
    with st.form("set-password", border=False):
        password = st.text_input("New password", type="password", key=f"set-{user.id}", autocomplete="new-password")
        if not st.form_submit_button("Set password", type="primary"):
            return
    _try(
        lambda: library().users.set_password(user.name, password),
        f"{escaped_markdown(user.name)} has a new password.",
    )


@dialog("Remove", icon=":material/person_remove:")
def _remove_dialog(user: UserView) -> None:
    st.markdown(
        f"**{escaped_markdown(user.name)}** won't be able to sign in, and their tokens will stop working. What "
        "they did stays in the history."
    )
    if st.button(f"Remove {escaped_markdown(user.name)}", type="primary", key="remove-yes"):
        _try(lambda: library().users.remove(user.name), f"Removed {escaped_markdown(user.name)}.")


# --- tokens -------------------------------------------------------------------------------------------------
def _tokens(users: list[UserView]) -> None:
    st.space("small")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Tokens")
        if st.button("Create a token", icon=":material/add:"):
            _token_dialog(users)
    st.caption("With a token, a program can use the API and the recognisers on a user's behalf.")
    for token in library().tokens.all():
        _token_row(token)


def _token_row(token: TokenView) -> None:
    until = f"until {long_date(token.expires_at)}" if token.expires_at else "does not expire"
    with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"card-token-{token.id}"):
        st.markdown(
            f"**{escaped_markdown(token.name)}**  \n:small[Acts for {escaped_markdown(token.user)}, {until}]",
            width="stretch",
        )
        st.button(
            "Remove", key=f"remove-token-{token.id}", icon=":material/delete:", on_click=_remove_token,
            args=(token.name,),
        )  # fmt: skip


@guarded
def _remove_token(name: str) -> None:
    library().tokens.remove(name)
    context.visitors().forget()
    toast(f"Removed the token {escaped_markdown(name)}.")


@dialog("Create a token", icon=":material/vpn_key:")
def _token_dialog(users: list[UserView]) -> None:
    if st.session_state.get("token-done"):
        st.rerun()
    with st.form("create-token", border=False):
        name = st.text_input("Name", placeholder="For example, photo frame", max_chars=100, key="token-name")
        user = st.selectbox("Acts for", [user.name for user in users], key="token-user")
        days = st.selectbox("Expires after", list(DAYS), key="token-days")
        made = st.form_submit_button("Create", type="primary")
    if not made:
        return
    try:
        secret = library().tokens.add(name, user=user, days=DAYS[days])
    except FaceIdError as error:
        st.error(escaped_markdown(str(error)), icon=":material/error:")
        return
    st.markdown("Copy it now; it can't be shown again.")
    st.code(secret, language=None, wrap_lines=True)
    st.button("Done", key="token-done")
