#!/bin/sh
# Serves until it is told to end: serve.sh PYTHON GRANIAN-OPTION… A worker that dies is started
# again: granian does that for the web's, the loop below for the one that works in the background.
python=$1
shift

# Where the web workers count, for whichever of them is asked for /metrics.
if [ -z "$PROMETHEUS_MULTIPROC_DIR" ]; then
    counts=$(mktemp -d "${TMPDIR:-/tmp}/facilities-metrics-XXXXXX") || exit
    export PROMETHEUS_MULTIPROC_DIR="$counts"
fi

work() {
    trap 'kill "$child" 2>/dev/null; wait "$child"; exit' INT TERM
    until
        "$python" manage.py run_worker &
        child=$!
        wait "$child"  # on SQLite there is nothing to wait for: it ends well, and so does the loop
    do
        sleep 1 &
        child=$!
        wait "$child"
    done
}

work &
worker=$!
# In a process group of its own: granian hangs when Ctrl-C and a kill reach it both.
"$python" -c 'import os, sys; os.setpgrp(); os.execv(sys.argv[1], sys.argv[1:])' \
    "$python" -m granian --respawn-failed-workers --respawn-interval 0.5 "$@" config.wsgi:application &
server=$!
trap 'trap "" INT TERM; kill "$server" "$worker" 2>/dev/null; wait; rm -rf "$counts"' EXIT
trap exit INT TERM
wait "$server"
