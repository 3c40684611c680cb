"""Settings: one TOML file, overridden by environment variables `MCU_<KEY>` and `MCU_<SECTION>_<KEY>`.

The file is `mcu.toml` in the working directory, or wherever `MCU_CONFIG` points.  A wrong key or value is an
OperatorError that names it.  Read once at start by every command.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import socket
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from control_api.accounts.rules import Role
from mcu_core.errors import OperatorError
from mcu_core.validation import in_vietnamese

CONFIG_VARIABLE = "MCU_CONFIG"
DEFAULT_CONFIG = "mcu.toml"
_LONGEST_RUN_DIR = 60  # leaves room for the sockets' names in the 107 bytes of sun_path


def _split(value: Any) -> Any:
    """A list may be written `a,b` in an environment variable."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise PydanticCustomError(
            "not_an_origin", "must look like https://mcu.example.vn or https://mcu.example.vn:8443"
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise PydanticCustomError("not_a_network", "must be an IP address or a network like 10.0.0.0/8") from None


Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]
Names = Annotated[tuple[str, ...], NoDecode]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Http(Section):
    """Where the pages and the API listen."""

    bind: Names = ("0.0.0.0", "::")
    port: Port = 8443
    public_urls: Annotated[tuple[Origin, ...], NoDecode] = ()  # addresses people open; the first makes the join links
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()  # may tell us the client's address and scheme

    _lists = field_validator("bind", "public_urls", "trusted_proxies", mode="before")(_split)


class Tls(Section):
    """`local`: leaf of our own CA; `files`: the office's certificate; `off`: a proxy in front of us does TLS."""

    mode: Literal["local", "files", "off"] = "local"
    certificate: Path | None = None
    key: Path | None = None
    host_names: Names = ()  # names and addresses in the local leaf, besides this machine's own

    _lists = field_validator("host_names", mode="before")(_split)


class Relay(Section):
    """Media: UDP.  Relay k uses `port + k`."""

    port: Port = 40000
    bind: Names = ("0.0.0.0", "::")
    announce: Names = ()  # addresses told to sites; empty: the machine's own
    count: Annotated[int, Field(ge=1, le=64)] = 1
    mbit_per_s: Annotated[int, Field(ge=10, le=400_000)] = 900  # pictures leave no faster; less than the port's rate

    _lists = field_validator("bind", "announce", mode="before")(_split)


MOST_PERSONAL_VIEWS = 32


class Conference(Section):
    """What one conference may cost."""

    personal_views: Annotated[int, Field(ge=0, le=MOST_PERSONAL_VIEWS)] = 4  # of single sites; each costs an encoder
    adaptation: bool = True  # send each site the size of the picture that its line carries


class Checks(Section):
    """Technical checks of sites."""

    rooms: Annotated[int, Field(ge=1, le=32)] = 2  # private test rooms at a time; each costs a mixer and an encoder
    self_test_at: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = "05:30"  # local; empty: never


class Session(Section):
    """Seconds."""

    idle: Annotated[float, Field(ge=60)] = 2 * 3600
    absolute: Annotated[float, Field(ge=60)] = 12 * 3600
    monitor: Annotated[float, Field(ge=10)] = 900  # life of a console's token for watching


class Accounts(Section):
    """How strictly accounts are guarded (S24, article 6.2a)."""

    # roles that sign in with a code of their telephone too
    require_totp: Annotated[tuple[Role, ...], NoDecode] = (Role.ADMINISTRATOR, Role.OFFICER)
    lock_after: Annotated[int, Field(ge=0, le=1000)] = 10  # wrong passwords or codes in a row; 0: never

    _lists = field_validator("require_totp", mode="before")(_split)


class Oidc(Section):
    """Sign in with an account of another office's server (OpenID Connect); off without an issuer."""

    issuer: Annotated[str, Field(max_length=500)] = ""
    client_id: Annotated[str, Field(max_length=200)] = ""
    client_secret: SecretStr | None = None
    scopes: Annotated[str, Field(max_length=200)] = "openid profile email"
    username_claim: Annotated[str, Field(max_length=100)] = "preferred_username"
    title: Annotated[str, Field(max_length=100)] = "SSO"  # on the button
    second_factor: bool = True  # the issuer asks for it; false: ours is asked for on top where a role requires it

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        if value and not ((parts.scheme == "https" and parts.hostname) or local):
            raise PydanticCustomError("not_https", "must look like https://id.example.vn")
        return value.rstrip("/")


class Security(Section):
    """From where sites may join (S21, article 5.7a), and what counts as a flood."""

    site_networks: Annotated[tuple[Network, ...], NoDecode] = ()  # of the TSLCD; empty: anywhere, unless a site says
    flood_requests: Annotated[int, Field(ge=10, le=1_000_000)] = 1200  # of one address in a minute

    _lists = field_validator("site_networks", mode="before")(_split)


class Backup(Section):
    """Every night, encrypted.  Keep a copy of the key, and of the backups, away from this machine."""

    enabled: bool = True
    hour: Annotated[int, Field(ge=0, le=23)] = 2  # local time
    folder: Path | None = None  # none: backups in data_dir
    keep: Annotated[int, Field(ge=1, le=1000)] = 14  # the newest ones
    key_file: Path | None = None  # none: backup.key in data_dir; made when there is none
    passphrase: SecretStr | None = None  # instead of a key file


class Retention(Section):
    """Months after which things are deleted."""

    journal_months: Annotated[int, Field(ge=1, le=1200)] = 12
    security_months: Annotated[int, Field(ge=3, le=1200)] = 12  # never below three months
    quality_months: Annotated[int, Field(ge=1, le=1200)] = 12  # readings of the lines, one each 10 s


class Bookings(Section):
    """How meetings are registered."""

    required: bool = True  # accounts of agencies make no room without a registration (S23); the Sở's own may


class Mail(Section):
    """How notices are sent; off without a host, then they are printed."""

    host: Annotated[str, Field(max_length=255)] = ""
    port: Port = 587
    tls: Literal["starttls", "tls", "off"] = "starttls"
    ca: Path | None = None  # certificates that the mail server's is checked against; none: the system's
    username: Annotated[str, Field(max_length=254)] = ""
    password: SecretStr | None = None
    sender: Annotated[str, Field(max_length=254, pattern=r"^[^\s@<>]+@[^\s@<>]+$")] = "hop@localhost"
    sender_name: Annotated[str, Field(max_length=100)] = "Điểm Cầu MCU"
    timeout: Annotated[float, Field(ge=1, le=300)] = 20.0  # seconds


class Reminders(Section):
    """When agencies are reminded of their equipment and people, in the office and by e-mail."""

    maintenance_days: Annotated[int, Field(ge=0, le=365)] = 14  # before a maintenance is due
    again_days: Annotated[int, Field(ge=1, le=365)] = 30  # between reminders of one that is late
    certificate_days: Annotated[int, Field(ge=0, le=365)] = 30  # before an operator's certificate ends
    directory_months: Annotated[int, Field(ge=0, le=120)] = 6  # since contacts were changed (S57); 0: never
    check_months: Annotated[int, Field(ge=0, le=120)] = 3  # since a site was checked (S53); 0: never


class Reports(Section):
    """Whose papers they are, and the office's own templates."""

    authority: Annotated[str, Field(max_length=100)] = "UBND TỈNH BẮC NINH"  # the organ above; may be empty
    agency: Annotated[str, Field(min_length=1, max_length=100)] = "SỞ KHOA HỌC VÀ CÔNG NGHỆ"
    symbol: Annotated[str, Field(max_length=20)] = "SKHCN"  # of its letters
    place: Annotated[str, Field(min_length=1, max_length=60)] = "Bắc Ninh"
    templates: Path | None = None  # folder; a file in it goes before ours of the same name
    fonts: Path | None = None  # folder with Times New Roman, for PDFs


class Metrics(Section):
    token: SecretStr | None = None  # bearer token of the Prometheus scraper; none: administrators only


class Settings(BaseSettings):
    """Everything an administrator may set."""

    model_config = SettingsConfigDict(
        env_prefix="MCU_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Path("var")
    database_url: SecretStr | None = None  # none: SQLite in data_dir
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"  # auto: readable on a terminal, JSON elsewhere
    run_dir: Path | None = None  # Unix sockets; short, or their paths do not fit (108 bytes)
    http: Http = Http()
    tls: Tls = Tls()
    relay: Relay = Relay()
    conference: Conference = Conference()
    checks: Checks = Checks()
    session: Session = Session()
    accounts: Accounts = Accounts()
    oidc: Oidc = Oidc()
    security: Security = Security()
    bookings: Bookings = Bookings()
    mail: Mail = Mail()
    reminders: Reminders = Reminders()
    reports: Reports = Reports()
    metrics: Metrics = Metrics()
    backup: Backup = Backup()
    retention: Retention = Retention()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The TOML table comes as keyword arguments, so the environment must stand before it.
        return env_settings, init_settings

    @property
    def database(self) -> str:
        """SQLAlchemy URL; may hold a password, so it is never logged."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{(self.data_dir / 'mcu.sqlite3').resolve()}"

    @property
    def backup_folder(self) -> Path:
        return self.backup.folder or self.data_dir / "backups"

    @property
    def secrets_key(self) -> Path:
        """Key of the secrets in the database (`accounts/sealing.py`)."""
        return self.data_dir / "secrets.key"

    @property
    def journal_key(self) -> Path:
        """Signs exported journals (`journal/signing.py`)."""
        return self.data_dir / "journal.key"

    @property
    def backup_key(self) -> Path:
        return self.backup.key_file or self.data_dir / "backup.key"

    @property
    def https(self) -> bool:
        return self.tls.mode != "off"

    @property
    def socket_dir(self) -> Path:
        """Folder of the Unix sockets: `run_dir`, else below data_dir, else (path too long) in the system's."""
        if self.run_dir is not None:
            return self.run_dir
        below = self.data_dir.resolve() / "run"
        if len(os.fsencode(below)) <= _LONGEST_RUN_DIR:
            return below
        base = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        if not os.access(base, os.W_OK):
            base = tempfile.gettempdir()
        return Path(base) / f"mcu-{os.getuid()}-{hashlib.sha256(os.fsencode(below)).hexdigest()[:8]}"

    def own_url(self) -> str:
        """The address to print and to put into links when no request tells a better one."""
        if self.http.public_urls:
            return self.http.public_urls[0]
        given = [address for address in self.http.bind if address not in ("0.0.0.0", "::")]
        host = given[0] if given else machine_addresses()[0]
        return f"{'https' if self.https else 'http'}://{f'[{host}]' if ':' in host else host}:{self.http.port}"

    def join_url(self, token: str) -> str:
        """Where a site joins with its token, for letters and notices."""
        return f"{self.own_url()}/join/{token}"

    def certificate_names(self) -> tuple[str, ...]:
        """Names and addresses the local leaf must carry, sorted, without doubles."""
        public = (urlsplit(url).hostname or "" for url in self.http.public_urls)
        own = ("localhost", "127.0.0.1", "::1", socket.gethostname(), *machine_addresses())
        return tuple(sorted({name.lower() for name in (*own, *public, *self.tls.host_names) if name}))

    def worker_environment(self) -> dict[str, str]:
        """What relays and mixers read from their environment (they do not know this file)."""
        environment = {
            "MCU_RELAY_PORT": str(self.relay.port),
            "MCU_RELAY_BIND": ",".join(self.relay.bind),
            "MCU_RELAY_COUNT": str(self.relay.count),
            "MCU_RELAY_MBIT_PER_S": str(max(1, self.relay.mbit_per_s // self.relay.count)),
            "MCU_LOG_LEVEL": self.log_level.upper(),
        }
        if self.log_format != "auto":
            environment["MCU_LOG"] = self.log_format
        if self.relay.announce:
            environment["MCU_RELAY_ANNOUNCE"] = ",".join(self.relay.announce)
        return environment


def machine_addresses() -> tuple[str, ...]:
    """This machine's own addresses, the one of the default route first, loopback last.  Sends nothing."""
    found: list[str] = []
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue
    with contextlib.suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    own = dict.fromkeys(address for address in found if not ipaddress.ip_address(address.split("%")[0]).is_loopback)
    return (*(address for address in own if "%" not in address), "127.0.0.1")


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    return Path(environment.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def load_settings(path: Path | None = None) -> Settings:
    """Read the file (if it exists) and the environment.

    Raises OperatorError `bad_settings` that names the key, or `no_settings` when MCU_CONFIG points nowhere.
    """
    path = path or config_path()
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if CONFIG_VARIABLE in os.environ:
            raise OperatorError(
                "no_settings",
                f"Không thấy tệp cấu hình {path} mà {CONFIG_VARIABLE} chỉ tới. Hãy chạy `mcu init` hoặc sửa biến này.",
                f"{CONFIG_VARIABLE} points to {path}, which does not exist. Run `mcu init` or correct the variable.",
            ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(
            "bad_settings",
            f"Tệp cấu hình {path} không đúng cú pháp TOML: {error}.",
            f"The settings file {path} is not valid TOML: {error}.",
        ) from None
    return read_settings(values, path)


def read_settings(values: Mapping[str, Any], path: Path) -> Settings:
    """The environment over `values` (the table read from `path`).  Raises OperatorError `bad_settings`."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _bad_settings(error, path) from None


def _bad_settings(error: ValidationError, path: Path) -> OperatorError:
    vi, en = [], []
    for item in error.errors(include_input=False, include_url=False):
        place = [str(part) for part in item["loc"]]
        key, variable = ".".join(place), "MCU_" + "_".join(place[:2]).upper()
        if item["type"] == "extra_forbidden":
            vi.append(f"không có khóa nào tên `{key}`")
            en.append(f"there is no key `{key}`")
        else:
            vi.append(f"giá trị của `{key}` ({variable}) không dùng được: {in_vietnamese(item)}")
            en.append(f"the value of `{key}` ({variable}) cannot be used: {item['msg']}")
    return OperatorError(
        "bad_settings",
        f"Cấu hình sai ({path} hoặc biến môi trường): {'; '.join(vi)}.",
        f"Bad settings ({path} or environment): {'; '.join(en)}.",
    )
