"""JupyterLab as it is set up behind a proxy that knows who is there: no token, no sign-in of its own."""

import json
import sys

from .process import HOST, Process, eventually, free_port
from .wire import exchange

PLACES = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "first", "metadata": {}, "source": "", "outputs": [], "execution_count": None}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class Jupyter:
    """Serves `files`, in which `first.ipynb` has one empty cell."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.files = folder / "files"
        self.files.mkdir()
        (self.files / "first.ipynb").write_text(json.dumps(NOTEBOOK))
        places = {place: folder / place.lower() for place in PLACES}
        settings = {
            "ServerApp": {
                "ip": HOST,
                "port": self.port,
                "port_retries": 0,
                "root_dir": str(self.files),
                "allow_remote_access": True,
                "allow_root": True,
                "open_browser": False,
            },
            "IdentityProvider": {"token": ""},
            # Nothing is to be asked out in the world.
            "LabApp": {
                "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
                "extension_manager": "readonly",
                "news_url": None,
            },
        }
        places["JUPYTER_CONFIG_DIR"].mkdir()
        (places["JUPYTER_CONFIG_DIR"] / "jupyter_server_config.json").write_text(json.dumps(settings))
        environment = {place: str(path) for place, path in places.items()}
        self._process = Process([sys.executable, "-m", "jupyterlab"], folder, "jupyter", environment)

    def start(self):
        self._process.start()
        self._process.wait_for_port(self.port)
        eventually(lambda: exchange(f"{self.url}/api").status == 200, 30, "JupyterLab's first answer")
        return self

    def output(self):
        return self._process.output()

    def stop(self):
        self._process.stop()
