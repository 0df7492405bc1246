"""Prints what `manage.py dumpdata` would in a Django project with a user for each of these hashers.

    dump.py PASSWORD '["auth.user"]' '{"indent": 2}' HASHER...

The arguments are the password of all, what to dump, and with which options.
"""

import json
import sys

import django
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command

HASHERS = ["PBKDF2PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher", "BCryptPasswordHasher",
           "ScryptPasswordHasher", "PBKDF2SHA1PasswordHasher", "MD5PasswordHasher"]


def main(password, models, options, *hashers):
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{hasher}" for hasher in HASHERS],
    )
    django.setup()
    from django.contrib.auth.models import Group, User

    call_command("migrate", verbosity=0)
    staff = Group.objects.create(name="staff")
    for hasher in hashers:
        hashed = make_password(password if hasher != "none" else None, hasher="default" if hasher == "none" else hasher)
        name = "no-password" if hasher == "none" else hasher.replace("_", "-")
        user = User.objects.create(
            username=name, email=f"{name}@people.example", first_name="Ann", last_name=name.title(), password=hashed,
            is_active=hasher != "none",
        )
        user.groups.add(staff)
    call_command("dumpdata", *json.loads(models), **json.loads(options))


main(*sys.argv[1:])
