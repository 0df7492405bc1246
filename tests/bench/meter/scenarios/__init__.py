"""Who is compared, and under what load: a file for each family. A scenario is a function of a `Bench`, and prints."""

from . import memory, ours, requests, store, stream, websocket

# In the order in which they are run.
ALL = {
    "plain": requests.plain,
    "tls": requests.tls,
    "h2": requests.h2,
    "handshake": requests.handshake,
    "stream": stream.stream,
    "websocket": websocket.websocket,
    "idle": memory.idle,
    "sessions": memory.sessions,
    "apps": ours.apps,
    "uncached": ours.uncached,
    "store": store.store,
    "revocation": ours.revocation,
    "anonymous": ours.anonymous,
    "both": ours.both,
}
