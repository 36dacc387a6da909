"""The broker of last resort, where no mosquitto is installed: amqtt, on loopback only.

It serves `sobre up` and nothing more: it loses what it queued at a restart, which is harmless only
because an agent waits for `confirmed`. `python -m sobre_collector.up.embedded_broker PORT FILE`,
where FILE holds `user:sha256 of the password` lines.
"""

import asyncio
import hmac
import signal
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from sobre_collector.up.accounts import COLLECTOR
from sobre_drivers.topics import PREFIX


class Passwords(BaseAuthPlugin):
    """Lets in who knows a password in the file."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        lines = Path(self._get_config_option("file")).read_text("utf-8").splitlines()
        self._hashes = dict(line.split(":", 1) for line in lines)

    async def authenticate(self, *, session: Session) -> bool | None:
        """Whether this session's user name and password are known."""
        known = self._hashes.get(session.username or "", "")
        given = sha256((session.password or "").encode()).hexdigest()
        return hmac.compare_digest(known, given)

    @dataclass
    class Config:
        """`file` with the `user:hash` lines."""

        file: str = ""


class OwnTopics(BaseTopicPlugin):
    """A node speaks for itself alone, and reads its own answers; the collector reads all."""

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool | None:
        """Whether this session may do this with this topic."""
        user = None if session is None else session.username
        return user == COLLECTOR or (topic or "").startswith(f"{PREFIX}/{user}/")


async def serve(port: int, passwords: Path) -> None:
    """Run until SIGTERM or SIGINT."""
    here = f"{__package__}.embedded_broker"
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                f"{here}.Passwords": {"file": str(passwords)},
                f"{here}.OwnTopics": {},
            },
        }
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await broker.start()
    await stopped.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
