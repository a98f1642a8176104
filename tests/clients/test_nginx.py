"""The web server behind nginx, asked by curl: the name and the scheme are those that the client used."""

from __future__ import annotations

import dataclasses
import ipaddress
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.cannot_run import cannot_run
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Service, free_port

from mailkeep.config import FREE_PORTS

BEHIND = dataclasses.replace(FREE_PORTS, proxies=(ipaddress.ip_network("127.0.0.1"),), proxied=())


def test_nginx_passes_requests_on(configured: Callable[..., Service], tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        cannot_run("nginx is not installed")
    service, port = configured(listen=BEHIND), free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(f"""\
daemon off; pid {tmp_path}/pid; error_log {tmp_path}/errors;
events {{}}
http {{
  access_log off;
  client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b; fastcgi_temp_path {tmp_path}/c;
  uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{service.http[1]};
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
""")
    with subprocess.Popen([nginx, "-p", str(tmp_path), "-e", f"{tmp_path}/errors", "-c", str(config)]) as proxy:
        try:
            place = f"http://mta-sts.example.org:{port}/.well-known/mta-sts.txt"
            asked = ["curl", "-sS", "--fail", "--retry", "8", "--retry-connrefused", "--retry-delay", "0", "-m", "10"]
            resolve = ["--resolve", f"mta-sts.example.org:{port}:127.0.0.1"]
            said = subprocess.run([*asked, *resolve, place], capture_output=True, text=True, timeout=30)
            assert said.stdout.startswith("version: STSv1"), said.stderr
        finally:
            proxy.terminate()
