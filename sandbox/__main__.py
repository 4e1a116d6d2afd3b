"""`python -m sandbox`: run the stand-in for the outside world."""

import argparse
import errno
import logging
import sys
from pathlib import Path

import uvloop

from sandbox.server import serve
from sandbox.settings import Settings


def read_arguments() -> Settings:
    """What the command line chooses."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 takes any free one; it is printed")
    parser.add_argument("--data", type=Path, help="file that keeps bots and chats over a restart")
    parser.add_argument("--fast", action="store_true", help="for load tests: no call log, few kept messages")
    parser.add_argument("--tls-cert", type=Path, help="make one with python -m sandbox.tls FOLDER")
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument(
        "--retry-scale", type=float, default=1.0, help="multiplies waits between webhook attempts"
    )
    parser.add_argument(
        "--lenient", action="store_true", help="no brakes on clients that poll or set webhooks too often"
    )
    chosen = parser.parse_args()
    return Settings(
        host=chosen.host, port=chosen.port, data=chosen.data, fast=chosen.fast, tls_cert=chosen.tls_cert,
        tls_key=chosen.tls_key, strict=not chosen.lenient, retry_scale=chosen.retry_scale,
    )  # fmt: skip


def main() -> None:
    """Run until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    chosen = read_arguments()
    try:
        uvloop.run(serve(chosen))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.exit(f"Port {chosen.port} is in use. Take another: python -m sandbox --port {chosen.port + 1}")


if __name__ == "__main__":
    main()
