"""Programs that stand on the PATH as `tensorflow_model_server` and play one scene each."""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = """#!{python} -S
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

flags = dict(flag.lstrip("-").split("=", 1) for flag in sys.argv[1:])
told = {{"flags": flags, "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getpid()}}
with open({told!r} + ".part", "w") as file:
    json.dump(told, file)
os.replace({told!r} + ".part", {told!r})


def serve(*answers, then=lambda: None):
    \"\"\"Answers one after the other, the last one for good; calls `then` after that one.\"\"\"
    waiting = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/v1/models/" + flags["model_name"], self.path
            code, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
            if len(waiting) == 1:
                then()

    HTTPServer(("127.0.0.1", int(flags["rest_api_port"])), Handler).serve_forever()


def state(name, code="OK", message=""):
    status = {{"error_code": code, "error_message": message}}
    return 200, {{"model_version_status": [{{"version": "1", "state": name, "status": status}}]}}


{scene}
"""


def put_server(folder: Path, scene: str) -> Path:
    """Makes a folder for the PATH with a program that runs a scene in Python.

    Returns the JSON file in which it will tell its flags, its view of the GPUs and its id.
    """
    folder.mkdir()
    told = folder / "told.json"
    program = folder / "tensorflow_model_server"
    program.write_text(_PROGRAM.format(python=sys.executable, told=str(told), scene=scene))
    program.chmod(0o755)
    return told
