from __future__ import annotations

from pathlib import Path

import pytest

from control_api.first_run import settings_text, write_settings
from control_api.settings import Http, Relay, Settings, Tls, load_settings
from mcu_core.errors import OperatorError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MCU_CONFIG", "MCU_DATA_DIR", "MCU_LOG_LEVEL", "MCU_RUN_DIR"):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str) -> Path:
    path = folder / "mcu.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        load_settings(path)
    return caught.value


def test_defaults_need_no_file(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "none.toml")
    assert settings.http.port == 8443
    assert settings.database.startswith("sqlite+aiosqlite:////")


def test_environment_stands_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[http]\nport = 9000\nbind = ['127.0.0.1']\n")
    monkeypatch.setenv("MCU_HTTP_PORT", "9001")
    monkeypatch.setenv("MCU_RELAY_ANNOUNCE", "192.0.2.1, 2001:db8::1")
    settings = load_settings(path)
    assert settings.http.port == 9001
    assert settings.http.bind == ("127.0.0.1",)
    assert settings.relay.announce == ("192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 'red'", "colour"),
        ("[http]\ncolour = 'red'", "http.colour"),
        ("[http]\nport = 70000", "http.port"),
        ("[http]\npublic_urls = ['mcu.example.vn']", "http.public_urls"),
        ("[relay]\ncount = 0", "relay.count"),
        ("[tls]\nmode = 'maybe'", "tls.mode"),
        ("log_level = 'loud'", "log_level"),
        ("[http", "mcu.toml"),
    ],
)
def test_a_wrong_setting_is_named_in_both_languages(tmp_path: Path, text: str, named: str) -> None:
    error = refused(written(tmp_path, text))
    assert error.code == "bad_settings"
    assert named in error.vi
    assert named in error.en


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_RELAY_PORT", "many")
    assert "MCU_RELAY_PORT" in refused(tmp_path / "none.toml").en


def test_s53_the_daily_self_test_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(written(tmp_path, "[checks]\nself_test_at = ''\n")).checks.self_test_at == ""
    monkeypatch.setenv("MCU_CHECKS_SELF_TEST_AT", "24:00")
    assert "checks.self_test_at" in refused(tmp_path / "none.toml").en


def test_errors_do_not_show_secrets(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "[metrics]\ntoken = ['geheim']"))
    assert "geheim" not in error.vi + error.en
    settings = load_settings(written(tmp_path, "database_url = 'postgresql://mcu:geheim@db/mcu'\n"))
    assert "geheim" not in repr(settings)
    assert "geheim" in settings.database


def test_vietnamese_sentences_hold_no_english(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "[http]\nport = 0\npublic_urls = ['mcu']\ntrusted_proxies = ['x']\n"))
    assert "không được nhỏ hơn 1" in error.vi
    assert "phải có dạng https://" in error.vi
    assert "dải mạng" in error.vi
    assert "must" not in error.vi
    assert "should" not in error.vi
    assert "must look like" in error.en


def test_a_file_that_is_pointed_to_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(OperatorError, match="no_settings"):
        load_settings()


def test_the_written_file_reads_back_and_is_never_overwritten(tmp_path: Path) -> None:
    made = Settings(
        data_dir=Path('odd "name"'),
        http=Http(port=9443, public_urls=("https://mcu.example.vn:9443",)),
        relay=Relay(port=41000),
        tls=Tls(host_names=("mcu.example.vn", "10.0.0.5")),
    )
    path = tmp_path / "mcu.toml"
    assert write_settings(path, made)
    assert load_settings(path) == made
    assert not write_settings(path, Settings())
    assert path.read_text("utf-8") == settings_text(made)


def test_workers_are_told_what_they_need(tmp_path: Path) -> None:
    settings = load_settings(
        written(
            tmp_path,
            "log_format = 'json'\n[relay]\nport = 41000\ncount = 3\nmbit_per_s = 100\nannounce = ['192.0.2.7']",
        )
    )
    told = settings.worker_environment()
    assert told["MCU_RELAY_PORT"] == "41000"
    assert told["MCU_RELAY_ANNOUNCE"] == "192.0.2.7"
    assert told["MCU_RELAY_MBIT_PER_S"] == "33", "relays share the port"
    assert told["MCU_LOG"] == "json"


def test_sockets_fit_below_a_long_data_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    assert len(str(Settings(data_dir=deep).socket_dir)) <= 60
    assert Settings(data_dir=deep).socket_dir != Settings(data_dir=deep / "y").socket_dir
    assert Settings(data_dir=Path("/srv/mcu")).socket_dir == Path("/srv/mcu/run")
