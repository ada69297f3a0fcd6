#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# GNU Mailman 3.3.10: `mailman status` exits with 1 while Mailman runs, and with 0 while
# it does not.
#
# The exit status is the number of the state of the master's lock: 0 "none has it",
# 1 "another master runs", 2 "stale", 3 "another host's".  So `mailman status && ...`, a
# health check of a container, or a monitor that takes 0 for good says the contrary of
# what is.  LSB's init scripts and systemctl have 0 for running and 3 for stopped.
#
# Seen with mailman 3.3.10, Python 3.11:
#   stopped: GNU Mailman is not running; exit status 0
#   running: GNU Mailman is running (master pid: N); exit status 1
#
# Exits with 0 while that is so, 1 if it has changed, 2 if it could not run.
set -eu
folder=$(mktemp -d)
mailman() {
    set -- -C "$folder/mailman.cfg" "$@"
    [ "$(id -u)" != 0 ] || set -- --run-as-root "$@"
    "$folder/venv/bin/mailman" "$@"
}
finish() {
    mailman stop >/dev/null 2>&1 || true
    # The master takes its lock and its files away when all runners have ended.
    for _ in $(seq 600); do
        [ -e "$folder/var/locks/master.lck" ] || break
        sleep 0.1
    done
    rm -rf "$folder"
}
trap finish EXIT INT TERM
cd "$folder"
python3 -m venv venv || exit 2
venv/bin/pip install -q --disable-pip-version-check mailman==3.3.10 sqlalchemy==2.0.43 ||
    exit 2
port() {
    venv/bin/python -c "
import socket
with socket.create_server(('127.0.0.1', 0)) as s: print(s.getsockname()[1])"
}
cat >mailman.cfg <<CFG
[mailman]
layout: here
[paths.here]
var_dir: $folder/var
[webservice]
port: $(port)
[mta]
lmtp_port: $(port)
CFG
state() {
    code=0
    said=$(mailman status | sed 's/pid: [0-9]*/pid: N/') || true
    mailman status >/dev/null || code=$?
    echo "$1: $said; exit status $code"
}
stopped=$(state stopped)
mailman start >/dev/null || exit 2
running=$(state running)
echo "$stopped"
echo "$running"
case $stopped in *'exit status 0') ;; *) exit 1 ;; esac
case $running in *'is running'*'exit status 1') ;; *) exit 1 ;; esac
