"""The pages before the app: plain HTML that works without scripts, in the app's colours."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

NOT_KEPT = {"Cache-Control": "no-store"}


def page(title: str, body: str, *, root: str, problem: str = "", done: str = "", status: int = 200) -> HTMLResponse:
    """A page of its own. root: the public path. problem, done: one sentence above the body."""
    note = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    note += f'<p class="done" role="status">{escape(done)}</p>' if done else ""
    return HTMLResponse(
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · faceid</title>
<link rel="icon" href="{root}/sign-in/icon.svg">
<link rel="stylesheet" href="{root}/sign-in/style.css">
</head>
<body>
<main>
<img class="logo" src="{root}/sign-in/logo.svg" alt="faceid">
<h1>{escape(title)}</h1>
{note}{body}
</main>
</body>
</html>
""",
        status,
        headers=NOT_KEPT,
    )


def field(name: str, label: str, *, kind: str, autocomplete: str, value: str = "", focus: bool = False) -> str:
    """An input with its label; password managers go by autocomplete."""
    more = " autofocus" if focus else ""
    if kind == "text":
        more += f' value="{escape(value)}" autocapitalize="none" spellcheck="false" maxlength="100"'
    return (
        f'<label>{escape(label)}<input name="{name}" type="{kind}" autocomplete="{autocomplete}" required{more}>'
        "</label>\n"
    )


def form(action: str, fields: str, button: str, *, second: bool = False) -> str:
    """A form that posts to this server."""
    kind = ' class="second"' if second else ""
    return (
        f'<form method="post" action="{escape(action)}">\n{fields}'
        f'<button type="submit"{kind}>{escape(button)}</button>\n</form>\n'
    )


def sign_in(
    *,
    root: str,
    target: str,
    name: str = "",
    problem: str = "",
    provider: str = "",
    passwords: bool,
    status: int = 200,
) -> HTMLResponse:
    """target: where to go afterwards. provider: whom to sign in with instead, if any. passwords: whether anybody
    has one."""
    body = ""
    if passwords:
        kept = f'<input type="hidden" name="next" value="{escape(target)}">\n'
        fields = field("name", "Name", kind="text", autocomplete="username", value=name, focus=not name)
        fields += field("password", "Password", kind="password", autocomplete="current-password", focus=bool(name))
        body = form(f"{root}/sign-in", kept + fields, "Sign in")
    if provider:
        body += '<p class="or">or</p>\n' if passwords else ""
        kind = "button second" if passwords else "button"
        link = f"{root}/sign-in/oidc/?next={escape(_quoted(target))}"
        body += f'<a class="{kind}" href="{link}">Sign in with {escape(provider)}</a>\n'
    if not body:
        body = "<p>Nobody can sign in yet. On the server, run <code>faceid user add NAME</code>.</p>"
    return page("Sign in", body, root=root, problem=problem, status=status)


def first_user(*, root: str, name: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    """Where the first user of a library is added."""
    body = (
        "<p>From now on, everyone has to sign in here. You become the owner: you can do everything, and add "
        "others on the Users page.</p>"
    )
    fields = field("name", "Your name", kind="text", autocomplete="username", value=name, focus=True)
    body += form(f"{root}/sign-in/first", fields + new_password(), "Add me and sign in")
    body += f'<p><a href="{root}/">Not now</a></p>'
    return page("Add the first user", body, root=root, problem=problem, status=status)


def account(
    *, root: str, name: str, role: str, has_password: bool, problem: str = "", done: str = "", status: int = 200
) -> HTMLResponse:
    """One's own account: another password, and signing out."""
    body = f'<p class="quiet">{"A" if role == "viewer" else "An"} {escape(role)} of this library.</p>'
    if has_password:
        who = (
            f'<input class="hidden" name="name" autocomplete="username" value="{escape(name)}" tabindex="-1" '
            'aria-hidden="true" readonly>\n'
        )
        fields = field("old", "Current password", kind="password", autocomplete="current-password")
        body += "<h2>Change your password</h2><p>This signs you out everywhere else.</p>"
        body += form(f"{root}/account", who + fields + new_password(), "Change password")
    else:
        body += "<p>You have no password here: you sign in through another service.</p>"
    body += form(f"{root}/sign-out", "", "Sign out", second=True)
    body += f'<p><a href="{root}/">Back to faceid</a></p>'
    return page(name, body, root=root, problem=problem, done=done, status=status)


def new_password() -> str:
    """Two fields, as one mistyped password locks its owner out."""
    return field("new", "New password", kind="password", autocomplete="new-password") + field(
        "again", "Repeat new password", kind="password", autocomplete="new-password"
    )


def _quoted(target: str) -> str:
    from urllib.parse import quote

    return quote(target, safe="/")
