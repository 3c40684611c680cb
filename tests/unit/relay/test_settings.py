"""Settings from the environment; addresses to announce."""

from __future__ import annotations

import socket

import pytest

from mcu_core.errors import OperatorError
from mcu_core.relay import udp
from mcu_core.relay.settings import RelaySettings


def test_defaults() -> None:
    settings = RelaySettings.from_environment({"MCU_RUN_DIR": "/run/mcu"})
    assert settings.socket == "/run/mcu/relay-0.sock"
    assert (settings.port, settings.bind, settings.announce) == (40000, ("0.0.0.0", "::"), ())
    assert settings.mbit_per_s == 900


def test_each_relay_has_a_port_of_its_own() -> None:
    settings = RelaySettings.from_environment(
        {"MCU_WORKER_NAME": "2", "MCU_RELAY_PORT": "5000", "MCU_RELAY_ANNOUNCE": "10.0.0.1, 2001:db8::1"}
    )
    assert settings.port == 5002
    assert settings.announce == ("10.0.0.1", "2001:db8::1")
    assert RelaySettings.from_environment({"MCU_WORKER_NAME": "2", "MCU_RELAY_PORT": "0"}).port == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"MCU_RELAY_PORT": "x"},
        {"MCU_RELAY_PORT": "70000"},
        {"MCU_RELAY_BIND": "nowhere"},
        {"MCU_RELAY_MBIT_PER_S": "0"},
    ],
)
def test_wrong_setting_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(OperatorError) as refused:
        RelaySettings.from_environment(wrong)
    assert refused.value.code == "bad_setting"
    assert next(iter(wrong)) in refused.value.vi


def test_announced_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "get_host_addresses", lambda use_ipv4, use_ipv6: ["10.0.0.9"] if use_ipv4 else [])
    assert udp.announced(["0.0.0.0", "::"], ["203.0.113.5"]) == ["203.0.113.5"]
    assert udp.announced(["0.0.0.0", "::"], []) == ["10.0.0.9"]
    assert udp.announced(["10.1.1.1", "0.0.0.0"], []) == ["10.1.1.1", "10.0.0.9"]
    assert udp.announced(["::"], []) == ["127.0.0.1"]


def test_port_in_use_is_told_to_the_operator() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OperatorError) as refused:
            udp.open_sockets(["127.0.0.1"], other.getsockname()[1])
    assert refused.value.code == "relay_port"
    assert "MCU_RELAY_PORT" in refused.value.vi
