"""Images for tests, built from the local base image: one speaks MinIO's command line, one is the community's engine.

They stand in for images that cannot be pulled everywhere, and do what matters to a launcher: serve S3; record what
they were given; start a sagemaker container through the engine's socket as rl_coach does.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import minio_standin

from drcli.launch.docker import docker_engine
from drcli.store.server_process import rclone_program

_PACKAGES = (
    *("minio", "urllib3", "certifi", "typing_extensions", "Crypto"),
    *("argon2", "_argon2_cffi_bindings", "cffi", "_cffi_backend"),
)
BASE = os.environ.get("DR_TEST_BASE_IMAGE", "drbase:bookworm")
MINIO = "drcli-test/minio:standin"
COMMUNITY = "drcli-test/simapp"
COMMUNITY_TAG = "1.0-cpu"

_MINIO_DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY rclone /usr/bin/rclone
COPY standin /opt/standin
COPY minio /usr/bin/minio
RUN chmod 755 /usr/bin/rclone /usr/bin/minio
ENTRYPOINT ["/usr/bin/minio"]
"""
# minio server /data --console-address :9001
_MINIO = """#!/bin/sh
[ "$1" = server ] || { echo "minio: unknown command $1" >&2; exit 1; }
[ ${#MINIO_ROOT_PASSWORD} -ge 8 ] || { echo "minio: the password is too short" >&2; exit 1; }
mkdir -p "$2/.minio.sys" || exit 1
PYTHONPATH=/opt/standin exec python3 /opt/standin/minio_standin.py "$2" :9000
"""
_COMMUNITY_DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY activate /root/sagemaker-venv/bin/activate
COPY start.py /opt/ml/code/rl_coach/start.py
COPY run.sh video.py /opt/ml/code/
RUN chmod 755 /opt/ml/code/run.sh
WORKDIR /opt/ml/code
ENTRYPOINT ["/bin/bash", "-c"]
"""
# As run.sh: of several workers each is numbered, by Swarm or by its line in a file, and takes its own configuration.
_RUN = """#!/bin/bash
echo "robomaker was given: $*"
env | sort
if [ "$1" = multi ]; then
  if [ -z "$DOCKER_REPLICA_SLOT" ]; then
    echo "$HOSTNAME" >> /mnt/comms/workers
    DOCKER_REPLICA_SLOT=$(grep -n "$HOSTNAME" /mnt/comms/workers | cut -d: -f1)
  fi
  export DOCKER_REPLICA_SLOT
  python3 - <<'PYTHON'
import json, os
number = int(os.environ["DOCKER_REPLICA_SLOT"])
rows = json.loads(os.environ.get("MULTI_CONFIG") or "{}").get("multi_config", [])
own = rows[number - 1] if number <= len(rows) else None
print("worker", number, "drives", own["world_name"] if own else os.environ["WORLD_NAME"], flush=True)
print("by", own["config_file"] if own else os.environ["S3_YAML_NAME"], flush=True)
PYTHON
fi
python3 /opt/ml/code/video.py &
trap 'echo asked to stop; exit 0' TERM
while true; do sleep 0.2; done
"""
# As ROS's web video server: a stream of pictures, each with its length. Here they say who sends them.
_VIDEO = """
import http.server, os, time

class Video(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=boundarydonotcross")
        self.end_headers()
        picture = f"{os.environ['HOSTNAME']} shows {self.path}".encode()
        head = f"Content-Type: image/jpeg\\r\\nContent-Length: {len(picture)}\\r\\n\\r\\n".encode()
        while True:
            self.wfile.write(b"--boundarydonotcross\\r\\n" + head + picture + b"\\r\\n")
            time.sleep(0.1)

http.server.ThreadingHTTPServer(("", 8080), Video).serve_forever()
"""
# As rl_coach/start.py: a sagemaker container beside the stack, through the engine's socket.
_START = """
import http.client, json, os, signal, socket, sys, time

class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")

def call(method, path, body=None):
    engine = Engine("docker")
    engine.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = engine.getresponse()
    text = answer.read()
    assert answer.status < 300, text
    return json.loads(text or b"{}")

print("rl_coach was given:", flush=True)
for name in sorted(os.environ):
    print(f"{name}={os.environ[name]}", flush=True)
shared = ("/tmp/sagemaker", "/run/docker.sock", "/var/run/docker.sock")
print("mounts:", sorted({line.split()[1] for line in open("/proc/mounts")} & set(shared)), flush=True)
job = "echo sagemaker is training; trap 'echo sagemaker was stopped; exit 0' TERM; while true; do sleep 0.2; done"
name = f"tmp{os.getpid()}{os.environ['RUN_ID']}{int(time.time())}-algo-1-abc12"
made = call("POST", f"/containers/create?name={name}", {
    "Image": os.environ["SAGEMAKER_IMAGE"], "Cmd": [job],
    "Env": ["RUN_ID=" + os.environ["RUN_ID"], "SAGEMAKER_SHARED_S3_PREFIX=" + os.environ["MODEL_S3_PREFIX"]],
    "HostConfig": {"NetworkMode": "sagemaker-local"},
})
call("POST", f"/containers/{made['Id']}/start")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(0.2)
"""


def build_minio(folder: Path) -> str:
    """The image that serves S3 as MinIO does; its name."""
    shutil.copy(rclone_program(), folder / "rclone")
    (folder / "minio").write_text(_MINIO)
    _copy_packages(folder / "standin")
    shutil.copy(minio_standin.__file__, folder / "standin")
    return _build(folder, _MINIO_DOCKERFILE, MINIO)


def _copy_packages(folder: Path) -> None:
    """What the stand-in imports, from here: the base image is of the same Python, and may have no network."""
    folder.mkdir()
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, name
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, folder)


def build_community(folder: Path) -> str:
    """The image that is started as the community's engine; its name without the tag."""
    (folder / "activate").write_text("")
    (folder / "start.py").write_text(_START)
    (folder / "run.sh").write_text(_RUN)
    (folder / "video.py").write_text(_VIDEO)
    _build(folder, _COMMUNITY_DOCKERFILE, f"{COMMUNITY}:{COMMUNITY_TAG}")
    return COMMUNITY


def _build(folder: Path, dockerfile: str, name: str) -> str:
    (folder / "Dockerfile").write_text(dockerfile)
    docker_engine.run(["build", "-q", "--build-arg", f"BASE={BASE}", "-t", name, str(folder)])
    return name
