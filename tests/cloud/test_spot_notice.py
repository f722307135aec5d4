"""The metadata service: version 2 with its tokens, the notice in all its forms, and machines that have none."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from metadata_standin import MetadataStandin, serving

from drcli.cloud.spot_notice import MetadataService, SpotNotice, _notice


def test_a_machine_that_is_taken_back() -> None:
    with serving(MetadataStandin("i-0123", "a", "b")) as standin:
        service = MetadataService(standin.address)
        assert service.notice() is None
        assert service.instance_id() == "i-0123"
        standin.take_back("stop")
        standin.expire()  # tokens live for 6 hours
        notice = service.notice()
        assert notice is not None and notice.action == "stop"
        assert 0 < notice.at - time.time() <= 120


def test_a_machine_without_the_service(free_port: int) -> None:
    service = MetadataService(f"http://127.0.0.1:{free_port}")
    assert service.notice() is None
    assert service.instance_id() == ""


def test_the_address_comes_from_the_variable_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(MetadataStandin("i-0123", "a", "b")) as standin:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{standin.address}/")
        assert MetadataService().instance_id() == "i-0123"


def test_the_document() -> None:
    at = datetime(2026, 9, 18, 8, 22, tzinfo=UTC).timestamp()
    assert _notice('{"action": "terminate", "time": "2026-09-18T08:22:00Z"}') == SpotNotice("terminate", at)
    assert _notice('{"action": "hibernate", "time": "2026-09-18T08:22:00"}') == SpotNotice("hibernate", at)
    assert _notice("soon").action == "terminate"  # better to end for nothing than to lose the run
