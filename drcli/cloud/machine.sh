# Makes a machine do a job of drcli. `drcli.cloud.user_data` writes the variables in capitals before this text:
#   BUCKET REGION ENDPOINT_URL  where the job is; the keys are those of the machine's role
#   JOB_KEY STATE_KEY LOGS_PREFIX WHEEL_KEY  what belongs to it there
#   MINUTES  how long the machine may live
#   PACKAGES_READY  yes: the packages that drcli needs are installed in the system's Python
#   EXTRA_PACKAGES  what the command needs besides
#   ENDS_MACHINE  yes: turn the machine off, at the end and when its time is over
#   STEPS  install, run, or both
set -uo pipefail

export HOME="${HOME:-/root}" AWS_DEFAULT_REGION="$REGION" BUCKET ENDPOINT_URL STATE_KEY
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
# The metadata service, which gives the keys of the role, may be slow just after the start.
export AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5

FOLDER=/opt/drcli
{ mkdir -p "$FOLDER" && [ -w "$FOLDER" ]; } 2>/dev/null || { FOLDER=$HOME/drcli-machine && mkdir -p "$FOLDER"; }
export FOLDER
LOG=$FOLDER/machine.log
PYTHON=$FOLDER/venv/bin/python
AGENT=
WHY="The machine was asked to end before the run had started."
exec > >(tee -a "$LOG") 2>&1

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"; }
has() { case " $STEPS " in *" $1 "*) true ;; *) false ;; esac; }
fail() { WHY=$1; say "error: $1"; exit 1; }
retry() {
  local pause
  for pause in 5 15 30 60 0; do
    "$@" && return 0
    say "That failed: $1 ${2:-} ${3:-}"
    sleep "$pause"
  done
  return 1
}

# The machine ends when its time is over, whatever else happens: by its clock, and after a restart by its uptime, too.
arm_time_to_live() {
  shutdown -P "+$MINUTES" "drcli: the time of this machine is over" || say "warning: shutdown does not work here"
  [ -d /run/systemd/system ] || return 0
  printf '[Service]\nType=oneshot\nExecStart=/bin/systemctl poweroff\n' >/etc/systemd/system/drcli-time-is-over.service
  printf '[Timer]\nOnBootSec=%smin\nOnCalendar=%s\nPersistent=true\n[Install]\nWantedBy=timers.target\n' \
    "$MINUTES" "$(date -u -d "+$MINUTES minutes" '+%Y-%m-%d %H:%M:%S UTC')" >/etc/systemd/system/drcli-time-is-over.timer
  systemctl daemon-reload && systemctl enable --now drcli-time-is-over.timer
}

# The bucket, while drcli is not installed. It never writes over the state of another machine that is at work.
write_bucket_program() {
  cat >"$FOLDER/bucket.py" <<'END'
import json, os, sys, time
import boto3
from botocore.config import Config

url = os.environ["ENDPOINT_URL"] or None
config = Config(s3={"addressing_style": "path"} if url else {}, request_checksum_calculation="when_required")
s3, bucket = boto3.client("s3", endpoint_url=url, config=config), os.environ["BUCKET"]


def report(phase, message):
    key, name = os.environ["STATE_KEY"], os.path.join(os.environ["FOLDER"], "machine-name")
    mine = open(name).read().strip() if os.path.exists(name) else ""
    try:
        old = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        old = {}
    is_over, machine = old.get("phase") in ("interrupted", "ended", "failed"), old.get("machine") or ""
    if (machine not in ("", mine) and not is_over) or (is_over and mine and machine == mine):
        return
    now = time.time()
    started = old.get("started_at") if phase == "failed" else now
    new = {"phase": phase, "message": message, "started_at": started or now, "updated_at": now, "machine": mine}
    hint = "`dr cloud logs` shows the log of the machine." if phase == "failed" else ""
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(new | {"hint": hint}).encode())


what, first, second = sys.argv[1:]
if what == "get":
    s3.download_file(bucket, first, second)
elif what == "log":
    earlier = len(s3.list_objects_v2(Bucket=bucket, Prefix=second + "machine.").get("Contents", ()))
    name = f"machine.{earlier + 1}.log" if earlier else "machine.log"
    s3.put_object(Bucket=bucket, Key=second + name, Body=open(first, "rb").read())
else:
    report(first, second)
END
}
bucket() { "$PYTHON" "$FOLDER/bucket.py" "$@"; }

finish() {
  local code=$?
  trap - EXIT TERM INT
  case $code in
    0 | 75 | 124) ;;
    *) [ -z "$AGENT" ] || WHY="The program of the machine ended with exit code $code."
       bucket report failed "$WHY" || say "The failure could not be reported." ;;
  esac
  if [ -z "$AGENT" ]; then bucket log "$LOG" "$LOGS_PREFIX" || true; fi
  if [ "$ENDS_MACHINE" = yes ]; then say "Turning the machine off."; shutdown -P now; fi
  exit "$code"
}
asked_to_end() { if [ -n "$AGENT" ]; then kill -TERM "$AGENT" 2>/dev/null; else exit 75; fi; }

find_python() {
  local each
  for each in python3.13 python3.12 python3.11 python3; do
    if "$each" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      SYSTEM_PYTHON=$each
      return 0
    fi
  done
  return 1
}
install_python() {
  say "Installing Python."
  if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 update -q
    apt-get -o DPkg::Lock::Timeout=300 install -yq --no-install-recommends python3-venv python3-pip ca-certificates
  else
    dnf install -y python3.11 python3.11-pip
  fi
}

install() {
  find_python || { retry install_python && find_python; } || fail "This machine has no Python 3.11, and it cannot be installed."
  local pip="$PYTHON -m pip install --quiet" wheel="$FOLDER/${WHEEL_KEY##*/}" packages=
  [ "$PACKAGES_READY" = yes ] && packages=--system-site-packages
  "$SYSTEM_PYTHON" -m venv $packages "$FOLDER/venv" || fail "No environment for Python can be made."
  [ "$PACKAGES_READY" = yes ] || retry $pip boto3 || fail "The package index is unreachable: can this machine reach the internet?"
  retry bucket report installing "" || fail "The bucket is unreachable from this machine: does its role allow it?"
  retry bucket get "$WHEEL_KEY" "$wheel" || fail "$WHEEL_KEY cannot be read from the bucket."
  say "Installing drcli."
  if [ "$PACKAGES_READY" = yes ]; then
    $pip --no-deps --no-index --force-reinstall "$wheel" || fail "drcli cannot be installed."
    return
  fi
  # PyTorch for CUDA has gigabytes that a machine without a GPU does not need.
  nvidia-smi -L 2>/dev/null || $pip --index-url https://download.pytorch.org/whl/cpu torch ||
    say "warning: the index of PyTorch for CPUs failed; the usual package takes its place, which is larger."
  retry $pip "$wheel" $EXTRA_PACKAGES || fail "The packages that drcli needs cannot be installed."
}

run() {
  "$PYTHON" -m drcli.cloud.machine_agent "$JOB_KEY" --bucket "$BUCKET" --region "$REGION" \
    ${ENDPOINT_URL:+--endpoint-url "$ENDPOINT_URL"} --folder "$FOLDER" --log "$LOG" \
    --for-s "$((MINUTES * 60 - SECONDS))" &
  AGENT=$!
  local code
  while true; do # a signal ends `wait`, not the program
    wait "$AGENT"
    code=$?
    kill -0 "$AGENT" 2>/dev/null || break
  done
  exit "$code"
}

if [ "$ENDS_MACHINE" = yes ]; then arm_time_to_live; fi
trap finish EXIT
trap asked_to_end TERM INT
say "This machine does $JOB_KEY, for at most $MINUTES minutes."
write_bucket_program
if has install; then install; fi
if has run; then run; fi
