"""The page's server: one process, one socket, until it is told to stop."""

import signal
import socket

import uvicorn
from starlette.types import ASGIApp

from sobre_drivers.errors import ConfigError


def listener(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. ConfigError if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            f"page on {host} port {port}: {error.strerror or error}; stop what uses it, "
            "or choose another with --port (0 takes a free one)"
        ) from error


def address(bound: socket.socket) -> str:
    """The URL under which a browser on this machine finds the page."""
    host, port = bound.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}/"


def serve(app: ASGIApp, bound: socket.socket) -> None:
    """Answer until SIGINT or SIGTERM, then end what is under way and return."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=5,
    )
    # uvicorn raises the signal again once it has stopped; we end by ourselves.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[bound])
