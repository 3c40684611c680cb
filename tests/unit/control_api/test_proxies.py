from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from control_api.proxies import client_address, request_origin
from control_api.settings import Http, Settings

SETTINGS = Settings(http=Http(trusted_proxies=("10.0.0.0/8",)))
PLAIN = Settings()


class Transport:
    def __init__(self, address: str) -> None:
        self.address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.address, 4711) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "forwarded", "settings", "address"),
    [
        ("192.0.2.9", "", PLAIN, "192.0.2.9"),
        ("192.0.2.9", "203.0.113.1", PLAIN, "192.0.2.9"),  # anybody can write that
        ("192.0.2.9", "203.0.113.1", SETTINGS, "192.0.2.9"),
        ("10.0.0.1", "203.0.113.1", SETTINGS, "203.0.113.1"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.1, 10.2.0.1", SETTINGS, "203.0.113.1"),
        ("10.0.0.1", "", SETTINGS, "10.0.0.1"),
        ("10.0.0.1", "nonsense", SETTINGS, "nonsense"),
    ],
)
def test_address_is_the_nearest_that_is_not_ours(peer: str, forwarded: str, settings: Settings, address: str) -> None:
    request = make_mocked_request("GET", "/", {"X-Forwarded-For": forwarded}, transport=Transport(peer))
    assert client_address(request, settings) == address


@pytest.mark.parametrize(
    ("peer", "host", "origin"),
    [
        ("10.0.0.1", "MCU.example.vn", "https://mcu.example.vn"),
        ("192.0.2.9", "mcu.example.vn:8443", "http://mcu.example.vn:8443"),
        ("192.0.2.9", "[2001:db8::1]:8443", "http://[2001:db8::1]:8443"),
    ],
)
def test_origin_is_what_stands_in_the_address_bar(peer: str, host: str, origin: str) -> None:
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    request = make_mocked_request("GET", "/", headers, transport=Transport(peer))
    assert request_origin(request, SETTINGS) == origin
