#!/bin/bash
# Usage: ready.sh [REST port]. Succeeds if some version of the model is loaded.
# The server answers 200 for a version that is loading or gone too, so this reads the state. The
# image has no curl; bash opens the connection.
exec 3<>"/dev/tcp/127.0.0.1/${1:-8501}" || exit 1
printf 'GET /v1/models/arxiv_tagger HTTP/1.0\r\n\r\n' >&3
grep --quiet --extended-regexp '"state": ?"AVAILABLE"' <&3
