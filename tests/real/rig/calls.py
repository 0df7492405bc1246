"""A gRPC server and its callers (`grpcio`), without generated code: messages are plain bytes."""

import json
import threading
from concurrent import futures

import grpc

from .gateway import DOMAIN
from .process import HOST

LARGEST = 16 * 1024 * 1024
SERVICE = "rig.Talk"


class CallServer:
    """Every kind of call. With `certificates` it speaks TLS, and HTTP/2 is negotiated; without, HTTP/2 from the first byte.

    `seen` holds the messages of streams as they come, a permit of `go_on` lets `Scatter` say one more, and `over` is set
    when a call that could last for ever has ended here, however that came.
    """

    def __init__(self, certificates=None):
        self.secure = certificates is not None
        self.seen = []
        self.go_on = threading.Semaphore(0)
        self.over = threading.Event()
        self.news = threading.Condition()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(32),
            options=[("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)],
        )
        self._server.add_generic_rpc_handlers([self._handlers()])
        if certificates:
            pair = (certificates.key.read_bytes(), certificates.certificate.read_bytes())
            credentials = grpc.ssl_server_credentials([pair])
            self.port = self._server.add_secure_port(f"{HOST}:0", credentials)
            self.upstream = {
                "servers": [f"https://{HOST}:{self.port}"],
                "tls": {"ca": str(certificates.authority), "server_name": "localhost"},
            }
        else:
            self.port = self._server.add_insecure_port(f"{HOST}:0")
            self.upstream = f"h2c://{HOST}:{self.port}"

    def start(self):
        self._server.start()
        return self

    def stop(self):
        """At once: calls under way are broken off."""
        self._server.stop(None).wait(10)

    def reset(self):
        """Between two tests."""
        self.go_on.release(100)
        with self.news:
            self.seen, self.over = [], threading.Event()
        self.go_on = threading.Semaphore(0)

    def wait_for(self, count, within=10.0):
        """The first messages that streams have brought."""
        with self.news:
            arrived = self.news.wait_for(lambda: len(self.seen) >= count, within)
            assert arrived, f"{len(self.seen)} messages within {within:g} s, not {count}"
            return self.seen[:count]

    def _see(self, message):
        with self.news:
            self.seen.append(message)
            self.news.notify_all()

    def _handlers(self):
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Echo": grpc.unary_unary_rpc_method_handler(self._echo),
                "Describe": grpc.unary_unary_rpc_method_handler(self._describe),
                "Fail": grpc.unary_unary_rpc_method_handler(self._fail),
                "Hang": grpc.unary_unary_rpc_method_handler(self._hang),
                "Gather": grpc.stream_unary_rpc_method_handler(self._gather),
                "Scatter": grpc.unary_stream_rpc_method_handler(self._scatter),
                "Talk": grpc.stream_stream_rpc_method_handler(self._talk),
            },
        )

    def _echo(self, message, context):
        context.send_initial_metadata([("x-early", "one"), ("x-early-bin", b"\x00\xff")])
        context.set_trailing_metadata([("x-late", "two"), ("x-late", "three"), ("x-late-bin", bytes(range(256)))])
        return message

    def _describe(self, message, context):
        """What the server knows of the call."""
        said = [(key, value.hex() if isinstance(value, bytes) else value) for key, value in context.invocation_metadata()]
        return json.dumps({"metadata": said, "left": context.time_remaining()}).encode()

    def _fail(self, message, context):
        """With the status that the message names."""
        code = next(code for code in grpc.StatusCode if code.name == message.decode())
        context.set_trailing_metadata([("x-why-bin", b"\x01\x02")])
        context.abort(code, f"{code.name}: naïve, 100 % – on purpose")

    def _hang(self, message, context):
        """Until the caller is gone."""
        over = self.over
        context.add_callback(over.set)
        self._see(message)
        over.wait(60)
        return b""

    def _gather(self, messages, context):
        whole = []
        for message in messages:
            self._see(message)
            whole.append(message)
        return b",".join(whole)

    def _scatter(self, message, context):
        """One message for each permit of `go_on`."""
        context.add_callback(self.over.set)
        go_on = self.go_on
        for number in range(int(message)):
            if not go_on.acquire(timeout=60):
                return
            yield b"%d" % number

    def _talk(self, messages, context):
        context.add_callback(self.over.set)
        for message in messages:
            self._see(message)
            yield b"you said " + message


class Caller:
    """Calls through the gateway over TLS as a gRPC client does, with a visitor's cookie if there is one."""

    def __init__(self, gateway, app, person=None):
        self._channel = grpc.secure_channel(
            f"{HOST}:{gateway.port}",
            grpc.ssl_channel_credentials(gateway.certificates.authority.read_bytes()),
            options=[
                ("grpc.default_authority", gateway.host(app)),
                ("grpc.ssl_target_name_override", f"{app}.{DOMAIN}"),
                ("grpc.max_receive_message_length", LARGEST),
                ("grpc.max_send_message_length", LARGEST),
                # Else the library shares connections between channels, and a test could see another's end.
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        cookies = person.cookie_header(gateway.url(app)) if person else []
        self._cookies = [(name.lower(), value) for name, value in cookies]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()

    def _call(self, kind, method, message, metadata, **more):
        call = getattr(self._channel, kind)(f"/{SERVICE}/{method}")
        return call(message, metadata=[*self._cookies, *metadata], timeout=more.pop("timeout", 20), **more)

    def unary(self, method, message=b"", metadata=(), **more):
        """The answer, or a `grpc.RpcError`."""
        return self._call("unary_unary", method, message, metadata, **more)

    def begin(self, method, message=b"", metadata=(), **more):
        """A unary call, not waited for."""
        call = self._channel.unary_unary(f"/{SERVICE}/{method}")
        return call.future(message, metadata=[*self._cookies, *metadata], timeout=more.pop("timeout", 20), **more)

    def with_call(self, method, message=b"", metadata=(), **more):
        """The answer, and the call that knows its metadata."""
        call = self._channel.unary_unary(f"/{SERVICE}/{method}")
        return call.with_call(message, metadata=[*self._cookies, *metadata], timeout=20, **more)

    def gather(self, messages, metadata=(), **more):
        call = self._channel.stream_unary(f"/{SERVICE}/Gather")
        return call.future(messages, metadata=[*self._cookies, *metadata], timeout=more.pop("timeout", 20), **more)

    def scatter(self, count, metadata=(), **more):
        return self._call("unary_stream", "Scatter", b"%d" % count, metadata, **more)

    def talk(self, messages, metadata=(), **more):
        return self._call("stream_stream", "Talk", messages, metadata, **more)


class Said:
    """A stream of messages that are said when the test says them."""

    _END = object()

    def __init__(self):
        self._waiting = []
        self._news = threading.Condition()

    def say(self, message):
        with self._news:
            self._waiting.append(message)
            self._news.notify_all()

    def end(self):
        self.say(self._END)

    def __iter__(self):
        return self

    def __next__(self):
        with self._news:
            assert self._news.wait_for(lambda: self._waiting, 60), "nobody said anything more"
            message = self._waiting.pop(0)
        if message is self._END:
            raise StopIteration
        return message
