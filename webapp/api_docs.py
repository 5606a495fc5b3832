"""The page /api/docs: what the API answers, from its own description. Plain HTML, without a script."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from webapp.markup import escaped_html
from webapp.theme import sign_in_css

STYLE = """
body { display: block; place-items: normal; max-width: 58rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .3rem; font-size: 1.25rem; }
details { border: 1px solid var(--line); border-radius: .6rem; margin: .6rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary b { margin-left: .4rem; font-weight: 600; }
.method { display: inline-block; min-width: 4rem; font-weight: 700; color: var(--accent); }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
pre { background: var(--field); padding: .7rem; border-radius: .5rem; overflow-x: auto; margin: .4rem 0; }
table { border-collapse: collapse; } td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
a { color: var(--accent); }
"""
INTRODUCTION = (
    "Addresses under <code>/api/v1</code> are stable: answers may gain fields, but no field is removed or changes "
    "its meaning. "
    "Once the library has users, send a token: <code>Authorization: Bearer faceid_…</code>. An error is "
    '<code>{{"error": "a sentence"}}</code>. The same description for programs: <a href=\'{root}/openapi.json\'>'
    "openapi.json</a>."
)


def add_docs(api: FastAPI) -> None:
    """The address /docs."""

    @api.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    def docs(request: Request) -> HTMLResponse:
        root = str(request.scope.get("root_path", ""))
        return HTMLResponse(page(api.openapi(), root))


def page(described: dict[str, Any], root: str) -> str:
    """The document. described: an OpenAPI description; root: where the API lies, such as /api."""
    found = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    stable = [each for each in found if each[0].startswith("/v1/")]
    pictures = [each for each in stable if _upload(described, each[2])]
    records = [each for each in stable if each not in pictures]
    others = [each for each in found if each not in stable]
    style = sign_in_css(root.removesuffix("/api")) + STYLE
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>faceid: API</title>"
        f"<meta name='viewport' content='width=device-width'><style>{style}</style></head><body>"
        f"<h1>API</h1><p>{INTRODUCTION.format(root=escaped_html(root))}</p><h2>Your own pictures</h2>",
        *(_operation(described, root, *each, open=True) for each in pictures),
        "<h2>People, their pictures, and jobs</h2>",
        *(_operation(described, root, *each, open=True) for each in records),
        "<h2>Other addresses</h2>",
        *(_operation(described, root, *each, open=False) for each in others),
        "</body></html>",
    ]
    return "".join(parts)


def _operation(
    described: dict[str, Any], root: str, path: str, method: str, operation: dict[str, Any], *, open: bool
) -> str:
    fields = "".join(_field(each) for each in operation.get("parameters", ()))
    upload = _upload(described, operation)
    fields += "".join(f"<tr><td><code>{name}</code></td><td>a file, as form data</td></tr>" for name in upload)
    forms = "".join(f" -F {name}=@photo.jpg" for name in upload)
    body = _body(described, operation)
    verb = "" if method == "get" or upload or body else f" -X {method.upper()}"
    address = re.sub(r"\{\w+\}", "1", f"http://127.0.0.1:8501{root}{path}")
    statuses = ", ".join(sorted(operation["responses"]))
    return (
        f"<details{' open' if open else ''}><summary><span class='method'>{method.upper()}</span>"
        f"<code>{escaped_html(root + path)}</code><b>{escaped_html(operation.get('summary', ''))}</b></summary>"
        f"<p>{escaped_html(operation.get('description', ''))}</p><table>{fields}</table>"
        f"<pre>curl{verb}{forms}{escaped_html(body)} {escaped_html(address)}</pre>"
        f"{_example(described, operation)}<p>Statuses: {statuses}</p></details>"
    )


def _field(parameter: dict[str, Any]) -> str:
    text = parameter.get("description") or parameter.get("schema", {}).get("description") or ""
    needed = "" if parameter.get("required") else " (optional)"
    return f"<tr><td><code>{escaped_html(parameter['name'])}</code></td><td>{escaped_html(text)}{needed}</td></tr>"


def _upload(described: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """The names of the files that are sent."""
    content = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
    return list(_schema(described, content["schema"]).get("properties", {})) if content else []


def _body(described: dict[str, Any], operation: dict[str, Any]) -> str:
    """The arguments of curl that send the example of a JSON body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    examples = _schema(described, content["schema"]).get("examples", ()) if content else ()
    return "".join(f" --json '{json.dumps(each)}'" for each in examples)


def _example(described: dict[str, Any], operation: dict[str, Any]) -> str:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    examples = _schema(described, content.get("schema", {})).get("examples") or []
    return "".join(f"<pre>{escaped_html(_as_json(each))}</pre>" for each in examples)


def _as_json(value: Any) -> str:
    """
    >>> print(_as_json({"box": [1.0, 2.5], "faces": []}))
    {
     "box": [1.0, 2.5],
     "faces": []
    }
    """
    return re.sub(r"\[[-\d.,\s]+\]", _on_one_line, json.dumps(value, indent=1))


def _on_one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[0].strip('[]').split())}]"


def _schema(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself where it is only named."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = described["components"]["schemas"][name] if name else schema
    return found
