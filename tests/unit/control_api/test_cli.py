from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from control_api import cli
from control_api.settings import Section, Settings, load_settings

MCU = (sys.executable, "-m", "control_api.cli")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MCU_CONFIG", str(tmp_path / "mcu.toml"))
    monkeypatch.setenv("PYTHONPATH", str(Path(cli.__file__).parents[1]))
    return tmp_path


def mcu(*words: str, given: str = "") -> str:
    result = CliRunner().invoke(cli.app, words, input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_help_is_quick_and_teaches() -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([*MCU, "--help"], capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - started)
    assert "mcu demo" in done.stdout
    assert "mcu init" in done.stdout
    assert min(times) < 2.0  # 0.4 s on an idle machine


def test_help_imports_nothing_heavy() -> None:
    heavy = ("aiohttp", "sqlalchemy", "pydantic", "av", "numpy", "cv2", "cryptography", "endpoint_client", "benchmarks")
    code = f"import sys, control_api.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_init_makes_everything_once(here: Path) -> None:
    first = mcu("init", "--host", "mcu.example.vn", "--data-dir", "data")
    assert "password" in first
    assert (here / "data" / "tls" / "ca.pem").exists()
    settings = load_settings(here / "mcu.toml")
    assert settings.tls.host_names == ("mcu.example.vn",)
    assert settings.http.public_urls == ("https://mcu.example.vn:8443",)
    ca = (here / "data" / "tls" / "ca.pem").read_bytes()
    assert "password" not in mcu("init")
    assert (here / "data" / "tls" / "ca.pem").read_bytes() == ca
    users = json.loads(mcu("user", "list", "--json"))
    assert [(user["username"], user["role"]) for user in users] == [("admin", "administrator")]


def test_init_writes_what_was_asked_whatever_the_environment_says(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "MCU_RELAY_PORT": "41000",
        "MCU_RELAY_COUNT": "2",
        "MCU_HTTP_PORT": "9443",
        "MCU_TLS_HOST_NAMES": "x",
    }
    with monkeypatch.context() as set_for_now:
        for name, value in environment.items():
            set_for_now.setenv(name, value)
        said = mcu("init", "--host", "mcu.example.vn", "--relay-port", "42000", "--data-dir", "data")
    assert "override" in said
    assert (here / "data" / "mcu.sqlite3").exists()
    settings = load_settings(here / "mcu.toml")
    assert (settings.relay.port, settings.relay.count) == (42000, 2)
    assert settings.http.public_urls == ("https://mcu.example.vn:9443",)
    assert settings.tls.host_names == ("mcu.example.vn",)


def test_init_lists_every_section(here: Path) -> None:
    mcu("init")
    sections = {name for name, field in Settings.model_fields.items() if isinstance(field.default, Section)}
    assert sections <= tomllib.loads((here / "mcu.toml").read_text(encoding="utf-8")).keys()


def test_users_are_added_changed_and_disabled() -> None:
    mcu("init")
    mcu("user", "add", "lan", "--name", "Nguyễn Thị Lan", given="một mật khẩu dài\n")
    assert "shown only once" in mcu("user", "add", "minh", "--role", "viewer", "--random").replace("\n", " ")
    mcu("user", "passwd", "lan", given="một mật khẩu khác\n")
    mcu("user", "disable", "lan")
    users = {user["username"]: user for user in json.loads(mcu("user", "list", "--json"))}
    assert users["lan"]["disabled"]
    assert users["minh"]["role"] == "viewer"
    mcu("user", "disable", "lan", "--undo")
    assert "Nguyễn Thị Lan" in mcu("user", "list")
    mcu("directory", "seed")
    mcu("user", "add", "hoa", "--role", "operator", "--organisation", "so-y-te", "--random")
    mcu("user", "unlock", "hoa")
    mcu("user", "reset-totp", "hoa")
    users = {user["username"]: user for user in json.loads(mcu("user", "list", "--json"))}
    assert (users["hoa"]["organisation"], users["hoa"]["locked"], users["hoa"]["second_factor"]) == (
        "so-y-te",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("user", "add", "lan"), "short\n", "A password has 10 to 200 characters."),
        (("user", "disable", "nobody"), "", "There is no user nobody."),
        (("user", "add", "lan", "--role", "king", "--random"), "", "is not one of"),
        (("site",), "", "Give at least one join link."),
    ],
)
def test_mistakes_are_told_in_two_sentences(
    words: tuple[str, ...],
    given: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mcu("init")
    monkeypatch.setattr(sys, "argv", ["mcu", *words])
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_serve_names_a_wrong_setting(here: Path) -> None:
    (here / "mcu.toml").write_text("[http]\nport = 'many'\n")
    done = subprocess.run([*MCU, "serve"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "http.port" in done.stderr


def test_openapi_prints_the_document() -> None:
    assert json.loads(mcu("openapi"))["openapi"] == "3.1.0"


def test_one_benchmark_that_fails_does_not_lose_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import types

    written: list[str] = []

    def bench(name: str) -> types.ModuleType:
        def run(progress: object = None, *, both_hints: bool = False) -> dict[str, object]:
            written.append(report.read_text(encoding="utf-8") if report.exists() else "")
            if name == "ingest":
                raise OSError("no [socket]")
            return {"us_per_packet": 5.0, "both": both_hints}

        fake = types.ModuleType(f"benchmarks.{name}")
        fake.run, fake.table = run, lambda result: f"table {result['us_per_packet']}"  # type: ignore[attr-defined]
        return fake

    report = tmp_path / "bench.html"
    for name in cli.BENCHES:
        monkeypatch.setitem(sys.modules, f"benchmarks.{name}", bench(name))
    done = CliRunner().invoke(cli.app, ["bench", "all", "--json", "--report", str(report)])
    assert done.exit_code == 1
    results = json.loads(done.stdout)
    assert results.keys() == set(cli.BENCHES)
    assert results["ingest"] == {"error": "OSError: no [socket]"}
    assert results["room"]["both"]
    assert "no [socket]" in report.read_text(encoding="utf-8")
    assert "no [socket]" in written[cli.BENCHES.index("ingest") + 1], "kept before the next one begins"
    assert CliRunner().invoke(cli.app, ["bench", "all"]).stdout.count("table 5.0") == len(cli.BENCHES) - 1
    assert "soak" in CliRunner().invoke(cli.app, ["bench", "all", "--help"]).stdout


@pytest.mark.parametrize("flat", [True, False])
def test_a_soak_that_is_not_flat_fails(monkeypatch: pytest.MonkeyPatch, flat: bool) -> None:
    import types

    fake = types.ModuleType("benchmarks.soak")
    fake.run = lambda progress, **options: {"flat": flat}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.soak", fake)
    done = CliRunner().invoke(cli.app, ["bench", "soak", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0 if flat else 1, {"flat": flat})


def test_benchmark_gets_only_the_options_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    asked: dict[str, object] = {}

    def run(progress: object = None, *, seconds: float = 1.0) -> dict[str, object]:
        asked["seconds"] = seconds
        return {"us_per_packet": 5.0}

    fake = types.ModuleType("benchmarks.fanout")
    fake.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.fanout", fake)
    done = CliRunner().invoke(cli.app, ["bench", "fanout", "--seconds", "3", "--quick", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"us_per_packet": 5.0}
    assert asked == {"seconds": 3.0}
