"""A small DeepRacer on AWS: website, user pool, identity pool and the API of its Smithy model, with real signatures.

Its buckets are on the session's S3 server, whose key pair is what the identity pool hands out.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from ports import free_port

from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

REGION, USER, PASSWORD = "eu-west-1", "racer", "Secret-password-1!"
CLIENT = "4clientid"
POOL, IDENTITY_POOL = f"{REGION}_Pool1", f"{REGION}:11111111-2222-3333-4444-555555555555"
REFRESH_TOKEN, ID_TOKEN, SESSION_TOKEN = "refresh-token-secret", "id-token-secret", "session-token-secret"
SECRETS = (PASSWORD, REFRESH_TOKEN, ID_TOKEN, SESSION_TOKEN)
_ID = r"[A-Za-z0-9]{15}"
_NEEDED = ("model_metadata.json", "reward_function.py", "training_params.yaml", "ip/hyperparameters.json")


def model(number: int, name: str, status: str = "READY", **others: object) -> dict[str, Any]:
    """A Model of the API."""
    return {
        "modelId": f"model{number:010}",
        "name": name,
        "createdAt": f"2026-11-{number:02}T18:59:04.000Z",
        "fileSizeInBytes": 25_000_000,
        "status": status,
        "trainingStatus": "COMPLETED",
        "trainingMetricsUrl": "https://bucket.example.com/metrics.json?X-Amz-Signature=abc",
        "carCustomization": {"carColor": "RED", "carShell": "DEEPRACER"},
        "trainingConfig": {
            "trackConfig": {"trackId": "reInvent2019_track", "trackDirection": "COUNTER_CLOCKWISE"},
            "maxTimeInMinutes": 60,
            "raceType": "TIME_TRIAL",
        },
        "metadata": {
            "agentAlgorithm": "PPO",
            "rewardFunction": "def reward_function(params):\n    return 1.0\n",
            "hyperparameters": {"batch_size": 64, "lr": 0.0003},
            "actionSpace": {"discrete": [{"speed": 1, "steeringAngle": 0}]},
            "sensors": {"camera": "FRONT_FACING_CAMERA"},
        },
        **others,
    }


@dataclass
class DroaServer:
    store: StoreConfig
    upload: Bucket
    port: int
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    evaluations: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    assets: dict[tuple[str, str, str], str] = field(
        default_factory=dict
    )  # model, type, evaluation -> address
    queued: int = 0  # how often an asset is still being packed
    importing: int = 1  # how often a new model is still being imported
    import_error: str = ""
    challenge: str = ""
    refusal: tuple[str, str] | None = None  # error code and message of the user pool
    no_role: bool = False
    is_revoked: bool = False
    expired_keys: bool = False  # whether the API calls the next keys expired
    keys_for_s: float = 3600.0
    failures: list[tuple[int, Any]] = field(default_factory=list)  # what the API answers next, instead
    env_js: tuple[int, str] | None = None
    log: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, *models: dict[str, Any]) -> None:
        self.models |= {one["modelId"]: one for one in models}

    def offer(self, name: str, kind: str, content: bytes, evaluation: str = "") -> None:
        """Have an asset of a model, behind a presigned address."""
        found = next(one for one in self.models.values() if one["name"] == name)
        key = f"{found['modelId']}/{kind}{evaluation}.tar.gz"
        self.upload.put(key, content)
        client = boto3.client(
            "s3",
            endpoint_url=self.store.endpoint_url,
            aws_access_key_id=self.store.access_key,
            aws_secret_access_key=self.store.secret_key,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        address = client.generate_presigned_url(
            "get_object", Params={"Bucket": self.upload.config.bucket, "Key": key}
        )
        self.assets[found["modelId"], kind, evaluation] = address

    def website(self) -> tuple[int, str]:
        config = {
            "apiEndpointUrl": f"{self.url}/prod/",
            "userPoolId": POOL,
            "userPoolClientId": CLIENT,
            "identityPoolId": IDENTITY_POOL,
            "region": REGION,
            "uploadBucketName": self.upload.config.bucket,
        }
        return self.env_js or (200, f"window.EnvironmentConfig = {json.dumps(config)};")

    def cognito(self, target: str, said: dict[str, Any]) -> tuple[int, Any]:
        if target.startswith("AWSCognitoIdentityService"):
            assert said["Logins"] == {f"cognito-idp.{REGION}.amazonaws.com/{POOL}": ID_TOKEN}
            if self.no_role:
                return _fault("NotAuthorizedException", "Access to Identity is forbidden.")
            if target.endswith("GetId"):
                assert said["IdentityPoolId"] == IDENTITY_POOL
                return 200, {"IdentityId": f"{REGION}:me"}
            keys = {
                "AccessKeyId": self.store.access_key,
                "SecretKey": self.store.secret_key,
                "SessionToken": SESSION_TOKEN,
                "Expiration": time.time() + self.keys_for_s,
            }
            self.expired_keys = False
            return 200, {"IdentityId": f"{REGION}:me", "Credentials": keys}
        assert said["ClientId"] == CLIENT
        if target.endswith("RevokeToken"):
            assert said["Token"] == REFRESH_TOKEN
            self.is_revoked = True
            return 200, {}
        return self._sign_in(said["AuthFlow"], said["AuthParameters"])

    def _sign_in(self, flow: str, given: dict[str, str]) -> tuple[int, Any]:
        tokens = {"IdToken": ID_TOKEN, "AccessToken": "a", "ExpiresIn": 3600, "TokenType": "Bearer"}
        if self.refusal:
            return _fault(*self.refusal)
        if flow == "REFRESH_TOKEN_AUTH":
            if self.is_revoked or given["REFRESH_TOKEN"] != REFRESH_TOKEN:
                return _fault("NotAuthorizedException", "Refresh Token has expired")
            return 200, {"AuthenticationResult": tokens, "ChallengeParameters": {}}
        assert flow == "USER_PASSWORD_AUTH"
        if (given["USERNAME"], given["PASSWORD"]) != (USER, PASSWORD):
            return _fault("NotAuthorizedException", "Incorrect username or password.")
        if self.challenge:
            return 200, {"ChallengeName": self.challenge, "Session": "s", "ChallengeParameters": {}}
        self.is_revoked = False
        return 200, {
            "AuthenticationResult": tokens | {"RefreshToken": REFRESH_TOKEN},
            "ChallengeParameters": {},
        }

    def call(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        """One operation of the Smithy model."""
        if self.failures:
            return self.failures.pop(0)
        if (method, path) == ("GET", "/models"):
            return self._page(list(self.models.values()), "models", query)
        if (method, path) == ("POST", "/importmodel"):
            return self._import(json.loads(body))
        match = re.fullmatch(rf"/models/({_ID})(/.*)?", path)
        found = self.models.get(match[1]) if match else None
        if match is None or found is None:
            return 404, {"message": "Not found."}
        if (method, match[2]) == ("GET", None):
            return 200, {"model": self._moved_on(found)}
        if (method, match[2]) == ("DELETE", None):
            if found["status"] not in ("READY", "ERROR"):
                return 400, {"message": "This resource cannot be deleted at this time. Try again later."}
            del self.models[match[1]]
            return 200, {}
        if (method, match[2]) == ("GET", "/evaluations"):
            return self._page(self.evaluations.get(match[1], []), "evaluations", query)
        assert (method, match[2]) == ("GET", "/getasset")
        return self._asset(match[1], query)

    def _asset(self, model_id: str, query: dict[str, str]) -> tuple[int, Any]:
        if self.queued:
            self.queued -= 1
            return 200, {"status": "QUEUED"}
        url = self.assets.get((model_id, query["assetType"], query.get("evaluationId", "")))
        return (
            (200, {"url": url})
            if url
            else (400, {"message": "Logs download is not available until job is complete."})
        )

    def _page(self, items: list[Any], name: str, query: dict[str, str]) -> tuple[int, Any]:
        start = int(query.get("token", "at 0").removeprefix("at "))
        more = {"token": f"at {start + 2}"} if start + 2 < len(items) else {}
        return 200, {name: items[start : start + 2], **more}

    def _import(self, said: dict[str, str]) -> tuple[int, Any]:
        assert set(said) <= {"s3Bucket", "s3Path", "modelName", "modelDescription"}
        if not re.fullmatch(r"[a-zA-Z0-9-]{1,64}", said["modelName"]):
            return 400, {"message": "Model name must contain only alphanumeric characters and hyphens"}
        assert said["s3Bucket"] == self.upload.config.bucket
        there = {
            info.key.removeprefix(f"{said['s3Path']}/") for info in self.upload.list(f"{said['s3Path']}/")
        }
        if not there.issuperset(_NEEDED):
            return 500, {"message": "The service ran into an error."}
        new = model(
            len(self.models) + 1, said["modelName"], "IMPORTING", description=said.get("modelDescription")
        )
        self.add(new | {"s3Path": said["s3Path"]})
        return 200, {"modelId": new["modelId"]}

    def _moved_on(self, found: dict[str, Any]) -> dict[str, Any]:
        if found["status"] == "IMPORTING":
            self.importing -= 1
            if self.importing < 0:
                found["status"] = "ERROR" if self.import_error else "READY"
                found["importErrorMessage"] = self.import_error or None
        return found

    def signature_fault(self, method: str, url: str, headers: Any, body: bytes) -> str:
        """Why a signature is refused; empty if it is right."""
        said = headers.get("Authorization", "")
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/execute-api/aws4_request, "
            r"SignedHeaders=(\S+), Signature=([0-9a-f]{64})",
            said,
        )
        if not match:
            return "Missing Authentication Token"
        signed = {name: headers[name] for name in match[3].split(";")}
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(signed):
            return "headers are not signed"
        if signed["x-amz-security-token"] != SESSION_TOKEN or self.expired_keys:
            return "The security token included in the request is expired"
        if signed.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
            return "the body is another one"
        credentials = Credentials(match[1], self.store.secret_key, SESSION_TOKEN)
        auth = SigV4Auth(credentials, "execute-api", match[2])
        request = AWSRequest(method, url, signed, data=body)
        request.context["timestamp"] = signed["x-amz-date"]
        wanted = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        is_right = match[2] == REGION and wanted == match[4]
        return (
            ""
            if is_right
            else f"The request signature does not match.\nIt was x-amz-security-token:{SESSION_TOKEN}"
        )


def _fault(code: str, message: str) -> tuple[int, Any]:
    return 400, {"__type": code, "message": message}


@contextmanager
def serving(store: StoreConfig, upload_bucket: str) -> Iterator[DroaServer]:
    upload = Bucket(replace(store, bucket=upload_bucket))
    upload.ensure_bucket()
    droa = DroaServer(store, upload, free_port())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            droa.log.append(f"{self.command} {self.path}")

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = self._found(body)
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            if isinstance(content, str) and status == 301:
                self.send_header("Location", content)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _found(self, body: bytes) -> tuple[int, Any]:
            parts = urlsplit(self.path)
            if target := self.headers.get("X-Amz-Target"):
                return droa.cognito(target, json.loads(body))
            if parts.path == "/env.js":
                return droa.website()
            if not parts.path.startswith("/prod/"):
                return 200, "<!doctype html><title>DeepRacer</title>"  # as CloudFront does
            assert self.headers["User-Agent"].startswith("Mozilla/5.0 (compatible; drcli/")
            fault = droa.signature_fault(self.command, droa.url + self.path, self.headers, body)
            if fault:
                return 403, {"message": fault}
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return droa.call(self.command, parts.path.removeprefix("/prod"), query, body)

        do_GET = do_POST = do_DELETE = _answer

    server = ThreadingHTTPServer(("127.0.0.1", droa.port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield droa
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
