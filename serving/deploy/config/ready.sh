#!/bin/bash
# Succeeds when some version of the model answers queries: ready.sh [PORT of the REST API].
# The status is 200 for a version that is loading or gone, too, so its state is read. The image
# holds no curl; bash opens the connection.
exec 3<>"/dev/tcp/127.0.0.1/${1:-8501}" || exit 1
printf 'GET /v1/models/arxiv_tagger HTTP/1.0\r\n\r\n' >&3
grep --quiet --extended-regexp '"state": ?"AVAILABLE"' <&3
