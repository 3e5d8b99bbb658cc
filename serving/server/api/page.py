"""The page to try a model, which is one file to a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from schema.words import PAPERS, Words
from serving.server.store.models import ModelStore


def show_page(models: ModelStore, _: Request) -> Response:
    """Returns the page of the first model."""
    name = next(iter(models.names), "")
    model = models.metadata(name)
    page = _read_page(model.words if model else PAPERS)
    versions = _in_script(models.labels.get(name, {}))
    labels = _in_script(dict(model.label_names) if model else {})
    page = page.replace("__VERSION_LABELS__", versions).replace("__LABEL_NAMES__", labels)
    return answer_page(page.replace("__MODEL_NAME__", _in_script(name)) if name else page)


def answer_page(page: str) -> Response:
    """Returns a page with what a browser may do for it: to run no script but its own, for one."""
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return HTMLResponse(page, headers={"content-security-policy": policy})


def read_file(name: str) -> str:
    """Returns a file of the folder `page`."""
    return (files("serving.server") / "page" / name).read_text(encoding="utf-8")


def _in_script(value: object) -> str:
    return json.dumps(value).replace("<", "\\u003c")


@cache
def _read_page(words: Words) -> str:
    names = ("index.html", "page.css", "server.js", "versions.js", "explain.js", "page.js")
    html, style, *scripts = map(read_file, names)
    # Of the elements only the text.
    html = re.sub(r">[^<]+<", lambda text: words.of(text[0], escape), html)
    hidden = {"example": words.item != Words.item, "title": words.title is None}
    for name in (name for name, is_hidden in hidden.items() if is_hidden):
        html = re.sub(rf'(id|for)="{name}"', r"\g<0> hidden", html)
    return html.replace("__STYLE__", style).replace("__SCRIPT__", "".join(scripts))
