"""Whether a server may listen at an address: `python -m config.port HOST PORT`, before it starts.

granian shares a port with whoever shares it too, so that two services would answer by turns. Here
nothing is shared: what listens there already is found, and said in one line.
"""

import errno
import socket
import sys


def why_not(host: str, port: str) -> str:
    """Why nothing can listen there, in a sentence with what to do about it; or nothing."""
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        return f"PORT={port} is no port: give a number from 1 to 65535."
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM
        )
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = int(port) + 1 if int(port) < 65535 else 8000
            return f"Port {port} is taken by another program: end it, or say PORT={other}."
        if error.errno == errno.EACCES:
            return f"Port {port} needs root here: say PORT=8000, or any above 1023."
        return f"Nothing can listen at {host}:{port}: {error.strerror or error}."
    return ""


if __name__ == "__main__":
    sys.exit(why_not(*sys.argv[1:3]) or None)
