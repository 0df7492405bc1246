"""A small Django project that knows its users by the header that the gateway sets, as the Django documentation has it.

Run as `gunicorn app:application`, with DJANGO_DATABASE naming a file to keep users in.
"""

import hashlib
import os
import queue

import django
from django.conf import settings
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DJANGO_DATABASE"]}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "app.GatewayUserMiddleware",
    ],
    ROOT_URLCONF="app",
    SECRET_KEY="only for tests on this machine",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from django.contrib.auth.middleware import RemoteUserMiddleware  # noqa: E402  (needs the settings above)


class GatewayUserMiddleware(RemoteUserMiddleware):
    header = "HTTP_REMOTE_USER"


HOME = engines["django"].from_string(
    """<!doctype html><title>Notebook</title>
<h1>Notebook</h1>
<p>Signed in as <b id="who">{{ user.username }}</b> ({{ mail }}; {{ groups }})</p>
<form method="post" action="/note">{% csrf_token %}
<label>Note <input name="note"></label> <button>Keep</button></form>
<p id="note">{{ note }}</p>
<p id="ticks"></p>
<p><a href="/_vestibule/logout">Sign out</a></p>"""
)


def home(request):
    return HttpResponse(
        HOME.render(
            {
                "user": request.user,
                "mail": request.META.get("HTTP_REMOTE_EMAIL", ""),
                "groups": request.META.get("HTTP_REMOTE_GROUPS", ""),
                "note": request.session.get("note", ""),
            },
            request,
        )
    )


def note(request):
    request.session["note"] = request.POST["note"]
    return redirect("/")


@csrf_exempt
def upload(request):
    digest, size = hashlib.sha256(), 0
    while piece := request.read(65536):
        digest.update(piece)
        size += len(piece)
    return JsonResponse({"sha256": digest.hexdigest(), "size": size})


def download(request, size):
    block = bytes(range(256)) * 256

    def pieces():
        left = size
        while left:
            piece = block[: min(left, len(block))]
            left -= len(piece)
            yield piece

    return StreamingHttpResponse(pieces(), content_type="application/octet-stream")


def events(request):
    """One event at once, then one every quarter of a second until the other side has gone."""

    def ticks():
        nothing = queue.SimpleQueue()
        for number in range(2400):
            yield f"data: tick {number}\n\n"
            try:
                nothing.get(timeout=0.25)
            except queue.Empty:
                pass

    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


def environment(request):
    """What a WSGI application is told: the place where differently spelt header names fold into one."""
    return JsonResponse(
        {key: value for key, value in request.META.items() if key.startswith("HTTP_") and isinstance(value, str)}
    )


urlpatterns = [
    path("", home),
    path("note", note),
    path("upload", upload),
    path("download/<int:size>", download),
    path("events", events),
    path("environment", environment),
    path("public/environment", environment),
]


def _application():
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", run_syncdb=True, verbosity=0)
    return get_wsgi_application()


application = _application()
