"""nginx with a folder of files, as an app: ranges, conditions and compression as the world knows them."""

from .process import HOST, Process, free_port

CONFIGURATION = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type application/octet-stream; types {{ text/plain txt; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  gzip on; gzip_types text/plain; gzip_min_length 1;
  server {{ listen {address}; root {files}; }}
}}
"""


class Nginx:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.files = folder / "files"
        self.files.mkdir()
        settings = folder / "nginx.conf"
        settings.write_text(CONFIGURATION.format(folder=folder, files=self.files, address=f"{HOST}:{self.port}"))
        self._process = Process(["/usr/sbin/nginx", "-p", folder, "-c", settings], folder, "nginx")

    def start(self):
        self._process.start()
        self._process.wait_for_port(self.port)
        return self

    def stop(self):
        self._process.stop()
