"""Starting, keeping and stopping the server."""

import asyncio
import gc
import logging
import resource
import signal
import sys

from sandbox import store
from sandbox.app import App
from sandbox.http import Connection
from sandbox.settings import Settings
from sandbox.tls import server_context
from sandbox.world import World

log = logging.getLogger("sandbox")

# How often a changed world is written to disk, in seconds.
SAVE_EVERY = 1.0
# How many callers the system keeps for us: ten thousand bots may come at the same moment.
BACKLOG = 8192


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, printing one line with the address when ready."""
    allow_many_connections()
    world = World(settings)
    if settings.data is not None:
        store.load(world, settings.data)
    app, connections = App(world), set[Connection]()
    loop = asyncio.get_running_loop()
    tls = (
        server_context(settings.tls_cert, settings.tls_key)
        if settings.tls_cert and settings.tls_key
        else None
    )
    server = await loop.create_server(
        lambda: Connection(app.handle, connections), settings.host, settings.port, ssl=tls, backlog=BACKLOG
    )
    # Most objects live long here; frequent full collections would only make answers late.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"sandbox listening on {'https' if tls else 'http'}://{settings.host}:{port}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    saver = asyncio.create_task(keep_saving(world, settings))
    await stopped.wait()
    server.close()
    saver.cancel()
    world.deliveries.close()
    world.desk.notifier.clear()
    for connection in list(connections):
        connection.close()
    if settings.data is not None and not settings.fast:
        store.save(world, settings.data, clean=True)


async def keep_saving(world: World, settings: Settings) -> None:
    """Write the world to disk when it changed."""
    if settings.data is None or settings.fast:
        return
    store.save(world, settings.data, clean=False)
    loop, took = asyncio.get_running_loop(), 0.0
    while True:
        # A large world is written less often, so that writing takes a twentieth of the time at most.
        await asyncio.sleep(max(SAVE_EVERY, 20 * took))
        if world.dirty or world.desk.book.dirty or world.partners.dirty:
            start = loop.time()
            store.save(world, settings.data, clean=False)
            took = loop.time() - start


def allow_many_connections() -> None:
    """Raise the limit of open files as far as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
