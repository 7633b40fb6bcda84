"""A super-server, as inetd is one: each connection is the standard input and output of a program that it starts.

It runs in a mount namespace of its own (``unshare --mount``), in which the machine has the accounts, the spool and the
programs that a test gives it, so that nothing is written elsewhere, and programs need not be installed but unpacked.
It says its port, and ends when its own standard input does.  Knows nothing of mail, and imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading

LOOPBACK = "127.0.0.1"


def laid_over(folder: str, *above: str) -> None:
    """These folders over one of the machine's."""
    there = [each for each in above if os.path.isdir(each)]  # noqa: PTH112  # pathlib is slow to load
    if there:
        layers = ":".join([*there, folder])
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir={layers}", "overlay", folder], check=True)


def serve(listener: socket.socket, program: list[str]) -> None:
    """Start the program for each connection."""
    while True:
        connection, (host, port) = listener.accept()
        peer = {"TCPREMOTEIP": host, "TCPREMOTEPORT": str(port), "TCPLOCALIP": LOOPBACK, "TCPLOCALPORT": "110"}
        peer["PATH"] = "/usr/sbin:/usr/bin"
        with connection:
            both = connection.fileno()
            subprocess.Popen(program, stdin=both, stdout=both, stderr=subprocess.DEVNULL, env=peer)


def main(home: str, unpacked: str, begun: list[str], programs: list[list[str]]) -> None:
    """Set up the machine, start what has to run beside, and serve each program on a port of its own."""
    laid_over("/usr", f"{unpacked}/usr")
    laid_over("/usr/lib", f"{unpacked}/lib")
    laid_over("/etc", f"{home}/etc", f"{unpacked}/etc")
    for folder in ("/etc/courier", "/var/mail", "/var/lib", "/run"):
        if os.path.isdir(home + folder):  # noqa: PTH112  # the same
            subprocess.run(["mount", "--bind", home + folder, folder], check=True)
    for command in begun:
        subprocess.run(["sh", "-c", command], check=True, stdout=sys.stderr)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listeners = [socket.create_server((LOOPBACK, 0), backlog=128) for _ in programs]
    for listener, program in zip(listeners, programs, strict=True):
        threading.Thread(target=serve, args=(listener, program), daemon=True).start()
    sys.stdout.write(" ".join(str(listener.getsockname()[1]) for listener in listeners) + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started this ends


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
