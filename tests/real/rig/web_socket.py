"""Both ends of a WebSocket (the `websockets` library): a server that follows a script, and a visitor's connection.

The library's ends for threads read and write TLS at the same time, which Python's does not bear: now and then a request
is never sent. So all ends live on one event loop in a thread of its own, and a test holds an `End`, which waits for it.
"""

import asyncio
import queue
import socket
import ssl
import struct
import threading

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from .gateway import DOMAIN
from .process import HOST

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, daemon=True).start()


def wait_for(coroutine, within):
    """Runs it where the connections live; gives what it gives, or a `TimeoutError`."""
    return asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, within), _loop).result()


class End:
    """One end of a conversation, for a test or for a server's script."""

    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def subprotocol(self):
        return self.connection.subprotocol

    @property
    def extensions(self):
        return [extension.name for extension in self.connection.protocol.extensions]

    @property
    def came(self):
        """The close frame that the other end has sent, if it has."""
        return self.connection.protocol.close_rcvd

    def send(self, message, within=30):
        wait_for(self.connection.send(message), within)

    def recv(self, timeout=10):
        return wait_for(self.connection.recv(), timeout)

    def __iter__(self):
        try:
            while True:
                yield self.recv(60)
        except ConnectionClosed:
            return

    def send_pieces(self, pieces, pings=False):
        """One message in as many frames; with `pings`, each is followed by one, and by the wait for its answer."""

        async def one_by_one():
            for piece in pieces:
                yield piece
                if pings:
                    await (await self.connection.ping())

        wait_for(self.connection.send(one_by_one()), 30)

    def recv_pieces(self):
        async def one_by_one():
            return [piece async for piece in self.connection.recv_streaming()]

        return wait_for(one_by_one(), 30)

    def ping(self, payload=None, within=5):
        """Returns with the answer."""

        async def there_and_back():
            await (await self.connection.ping(payload))

        wait_for(there_and_back(), within)

    def close(self, code=1000, reason=""):
        wait_for(self.connection.close(code, reason), 30)

    def wait_closed(self, within=10):
        """Reads to the end, and gives the close frame that came, if one did."""

        async def read_on():
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                return self.came

        return wait_for(read_on(), within)

    def vanish(self, by_reset):
        """Ends it as a program does that crashes: without a close frame, and over TLS without a farewell either."""

        async def at_once():
            transport = self.connection.transport
            if by_reset:
                connected = transport.get_extra_info("socket")
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

        wait_for(at_once(), 5)


class Talker:
    """Says back what it hears, or follows the test's script; chooses the subprotocol that is offered last.

    With `certificates` it is to be reached by TLS alone. `ended` holds, for each conversation, the close frame that came.
    """

    def __init__(self, certificates=None):
        self.reset()
        tls = None
        if certificates:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificates.certificate, certificates.key)
        self._server = wait_for(self._serve(tls), 10)
        port = self._server.sockets[0].getsockname()[1]
        self.upstream = {"servers": [f"http://{HOST}:{port}"]}
        if certificates:
            self.upstream = {
                "servers": [f"https://{HOST}:{port}"],
                "tls": {"ca": str(certificates.authority), "server_name": "localhost"},
            }

    async def _serve(self, tls):
        return await serve(
            self._talk,
            HOST,
            0,
            ssl=tls,
            select_subprotocol=lambda connection, offered: offered[-1] if offered else None,
            max_size=None,
            ping_interval=None,
        )

    def stop(self):
        async def stop():
            self._server.close()
            await self._server.wait_closed()

        wait_for(stop(), 20)

    def reset(self):
        """Between two tests."""
        self.script = None
        self.connections, self.ended = queue.Queue(), queue.Queue()

    async def _talk(self, connection):
        # Of this test, even if the next has begun.
        end, ended, script = End(connection), self.ended, self.script
        self.connections.put(end)
        try:
            if script:
                await asyncio.to_thread(script, end)
            # A script may be over before the connection is.
            async for message in connection:
                if not script:
                    await connection.send(message)
        except ConnectionClosed:
            pass
        finally:
            ended.put(end.came)


def web_socket(gateway, app, person=None, **more):
    """A visitor's end of a WebSocket to an app."""

    async def opened():
        return End(await connecting(gateway, app, person, **more))

    return wait_for(opened(), 20)


def connecting(gateway, app, person=None, origin="own", path="/", **more):
    """The same where the connections live, for many at once; `origin` is what the visitor's browser would say."""
    url = gateway.url(app, path)
    return connect(
        url.replace("https:", "wss:"),
        sock=socket.create_connection((HOST, gateway.port)),
        ssl=gateway.trust,
        server_hostname=f"{app}.{DOMAIN}",
        origin=gateway.url(app, "") if origin == "own" else origin,
        additional_headers=person.cookie_header(url) if person else [],
        proxy=None,
        max_size=None,
        ping_interval=None,
        **more,
    )
