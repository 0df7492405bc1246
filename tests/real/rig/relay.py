"""A network between a gateway and a server that can lose everything in silence, or take its time over what comes back."""

import asyncio
import threading

from .process import HOST

PIECE = 64 * 1024


class Relay:
    """Whoever connects to `port` reaches the server's port. All connections live on an event loop of their own."""

    def __init__(self, server):
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._whole, self._late = True, 0.0
        self._carrying = set()
        # Nobody reads or closes these any more.
        self._lost = []

    @property
    def url(self):
        return f"redis://{HOST}:{self.port}/0"

    def start(self):
        self._thread.start()
        self._listener = self._do(asyncio.start_server(self._connect, HOST, 0))
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def stop(self):
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self):
        """Nothing arrives any more, in either direction. What is connected stays open and never carries anything again;
        who connects is not refused, and hears nothing."""
        self._do(self._cut())

    def mend(self):
        """New connections work again, and nothing is late any more but what is on its way already."""
        self._do(self._set(True, 0.0))

    def delay(self, seconds):
        """Whatever the server sends from now on comes so much later."""
        self._do(self._set(True, seconds))

    def _do(self, what):
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _set(self, whole, late):
        self._whole, self._late = whole, late

    async def _cut(self):
        self._whole = False
        for carrying in self._carrying:
            carrying.cancel()

    async def _end(self):
        self._listener.close()
        await self._cut()
        for writer in self._lost:
            writer.transport.abort()

    async def _connect(self, *visitor):
        if not self._whole:
            self._lost.append(visitor[1])
            return
        try:
            server = await asyncio.open_connection(HOST, self._server)
        except OSError:
            visitor[1].transport.abort()
            return
        carrying = asyncio.gather(
            self._carry(visitor[0], server[1], lambda: 0.0), self._carry(server[0], visitor[1], lambda: self._late)
        )
        self._carrying.add(carrying)
        try:
            await carrying
        except asyncio.CancelledError:
            self._lost += [visitor[1], server[1]]
        finally:
            self._carrying.discard(carrying)

    async def _carry(self, reader, writer, late):
        """What is late holds up what comes after it: the order stays."""
        under_way = asyncio.Queue()

        async def deliver():
            while (piece := await under_way.get())[1]:
                await asyncio.sleep(piece[0] - self._loop.time())
                writer.write(piece[1])
            writer.transport.abort()

        delivering = asyncio.ensure_future(deliver())
        try:
            came = True
            while came:
                try:
                    came = await reader.read(PIECE)
                except OSError:
                    came = b""
                under_way.put_nowait((self._loop.time() + late(), came))
            await delivering
        finally:
            delivering.cancel()
