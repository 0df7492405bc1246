"""The test rig: a gateway with real servers around it, and people who use it.

Start from `gateway.Gateway` (the program under test, as a process), `visitor.Visitor` (a person with a cookie jar,
speaking plain HTTP) and `browser.Browser` (the same person in Chromium).

    process    start and end programs by their id; free ports; waiting for a condition
    wire       one HTTP exchange on a socket of its own; raw bytes where a library would tidy them up
    page       what a person sees in an HTML page: forms, links, messages
    accounts   the people: a `users.yaml` with a fresh account for each test
    mail       an SMTP server that demands STARTTLS and AUTH, and can misbehave
    redis      a Redis that can be killed, frozen and brought back
    upstreams  the apps: Django, Prometheus, a WebSocket echo, and a recorder that keeps every byte
    nginx, node  more apps: a folder of files, and two small servers
    flow       an app that gives and takes bytes without end
    names      names whose addresses a test decides
    haproxy    a load balancer in front
    curl       a visitor with curl
    web_socket both ends of a WebSocket, for tests that wait
    calls      a gRPC server, and callers that go through the gateway
    jupyter    JupyterLab
    gateway    configuration and the program under test
    visitor    a person with a cookie jar
    browser    a person in Chromium
"""
