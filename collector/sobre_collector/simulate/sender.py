"""The fleet's agents in a process of their own: they draw and encode while the collector stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection

from sobre_collector.simulate.fleet import Fleet, draw_month
from sobre_collector.simulate.messages import Agents, Message
from sobre_drivers.errors import SobreError

# Messages that travel, and are stored, together: some 30,000 loads.
GROUP = 400
STOP_S = 10.0

# Month, the day on which births are said (None for loads, which come when it is over), messages.
Group = tuple[str, date | None, list[Message]]


@contextmanager
def sent_by(agents: Agents, fleet: Fleet) -> Iterator[Iterator[Group]]:
    """What the agents send, month by month in groups, one group ahead."""
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(agents, fleet, there), daemon=True)
    process.start()
    # Only the child may hold this end, or its death would not be seen.
    there.close()
    try:
        yield _received(here)
    finally:
        here.close()
        process.join(STOP_S)
        if process.is_alive():
            process.kill()
            process.join()


def _received(here: Connection) -> Iterator[Group]:
    while True:
        try:
            found = here.recv()
        except EOFError as error:
            raise SobreError("the process that draws the fleet ended; start again") from error
        if found is None:
            return
        yield found


def _send(agents: Agents, fleet: Fleet, there: Connection) -> None:
    try:
        for month in fleet.months():
            drawn = draw_month(fleet, month)
            for day, births in agents.births(drawn):
                there.send((month, day, births))
            messages = agents.batches(drawn)
            while group := list(islice(messages, GROUP)):
                there.send((month, None, group))
        there.send(None)
    except BrokenPipeError:
        # Nobody listens any more: whoever started this has ended.
        return
