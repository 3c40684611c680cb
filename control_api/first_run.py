"""What `mcu init` and `mcu demo` leave behind: a settings file, a database, certificates and a first user.

Repeating it changes nothing that is there: a settings file is never overwritten, a password never reset.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from control_api import tls
from control_api.accounts.accounts import Accounts
from control_api.accounts.rules import Role, random_password
from control_api.accounts.sealed_rows import seal_all
from control_api.accounts.sealing import SecretBox
from control_api.settings import Http, Settings
from control_api.store.database import Database
from control_api.store.upgrade import upgrade
from control_api.upkeep.keys import make_key

_TEMPLATE = """\
# Cấu hình của Điểm Cầu MCU · Settings of Điểm Cầu MCU.
# Biến môi trường MCU_<KHÓA> hoặc MCU_<NHÓM>_<KHÓA> thay cho giá trị ở đây.
# An environment variable MCU_<KEY> or MCU_<SECTION>_<KEY> stands before what is written here.

data_dir = {data_dir}
# database_url = "postgresql+asyncpg://mcu:password@localhost/mcu"    # mặc định · default: SQLite in data_dir
# log_level = "info"        # debug, info, warning, error
# log_format = "auto"       # text, json, auto

[http]
# bind = ["0.0.0.0", "::"]
port = {port}
# Địa chỉ người dùng mở; cái đầu dùng cho đường dẫn tham gia · addresses people open; the first makes join links
public_urls = {public_urls}
# trusted_proxies = ["10.0.0.5"]      # proxy được phép cho biết địa chỉ người dùng · may tell us the client's address

[tls]
mode = "local"              # local: CA riêng · own CA; files: chứng thư có sẵn · your certificate; off: sau proxy
# certificate = "server.pem"
# key = "server.key"
host_names = {host_names}

[relay]
port = {relay_port}         # UDP; relay k dùng · uses port + k
# bind = ["0.0.0.0", "::"]
# announce = ["203.0.113.10"]         # địa chỉ báo cho điểm cầu · addresses told to sites
# Số tiến trình; nhiều hơn 1 thì hầu như không chuyển thẳng hình nữa · above 1, pictures are hardly ever passed on
count = {relay_count}
# mbit_per_s = 900          # cổng 1 Gbit/s: hình không ra nhanh hơn · port of 1 Gbit/s: pictures leave no faster

[conference]
# Số điểm cầu được xem hình riêng, mỗi điểm tốn một bộ mã hóa · sites with a view of their own, an encoder each
# personal_views = 4        # 0 – 32
# Gửi cho từng điểm cầu cỡ hình vừa với đường truyền · send each site the size of picture that its line carries
# adaptation = true

[session]
# idle = 7200               # giây · seconds
# absolute = 43200

[accounts]
# Vai trò phải đăng nhập thêm mã trên điện thoại · roles that also need a code of their telephone
# require_totp = ["administrator", "officer"]
# lock_after = 10           # số lần nhập sai liên tiếp thì khóa · wrong attempts in a row that lock an account

[oidc]
# Đăng nhập một lần của tỉnh; để trống là tắt · single sign-on; off without an issuer
# issuer = "https://id.tinh.example"
# client_id = "mcu"
# client_secret = "…"

[security]
# Mạng TSLCD mà điểm cầu được vào họp · networks of the TSLCD from which sites may join; mặc định · default: any
# site_networks = ["10.0.0.0/8"]
# flood_requests = 1200     # yêu cầu mỗi phút từ một địa chỉ · requests a minute of one address

[backup]
# Mỗi đêm, mã hóa; khóa: backup.key trong data_dir, hãy giữ một bản ở nơi khác
# Every night, encrypted; the key is backup.key in data_dir: keep a copy elsewhere
# hour = 2                  # giờ địa phương · local time
# folder = "/mnt/backup"
# keep = 14                 # số bản giữ lại · the newest ones
# enabled = true

[retention]
# journal_months = 12       # tháng · months
# security_months = 12      # không dưới 3 · never below 3

[bookings]
# Cơ quan phải đăng ký mới có phòng họp; tài khoản của Sở thì không · agencies need a registration for a room
# required = true

[checks]
# rooms = 2                 # phòng thử riêng cùng lúc · private test rooms at a time
# self_test_at = "05:30"    # giờ tự kiểm tra mỗi ngày, rỗng: không · time of the daily self-test, empty: none

[reports]
# authority = "UBND TỈNH BẮC NINH"    # cơ quan chủ quản · the organ above
# agency = "SỞ KHOA HỌC VÀ CÔNG NGHỆ"
# symbol = "SKHCN"
# place = "Bắc Ninh"
# templates = "templates"   # mẫu văn bản riêng · templates of your own

[mail]
# Máy chủ gửi thông báo, nhắc việc; để trống thì chỉ hiện tại Văn phòng, thông báo họp thì in ra
# server that sends notices and reminders; without one they are shown in the office only, notices are printed
# host = "mail.tinh.gov.vn"
# port = 587
# tls = "starttls"          # starttls, tls, off
# ca = "ca.pem"             # chứng thư gốc của máy chủ thư · root certificate of the mail server
# username = "hop"
# password = "…"
# sender = "hop@tinh.gov.vn"
# sender_name = "Điểm Cầu MCU"
# timeout = 20

[reminders]
# maintenance_days = 14     # nhắc trước hạn bảo trì · days before a maintenance is due
# directory_months = 6      # nhắc rà soát đầu mối · months until contacts are to be looked through; 0: never
# check_months = 3          # kiểm tra định kỳ điểm cầu · months between checks of a site; 0: never

[metrics]
# token = "…"               # cho Prometheus · for Prometheus: Authorization: Bearer …
"""


def settings_text(settings: Settings) -> str:
    """A commented TOML file with these settings."""
    return _TEMPLATE.format(
        data_dir=_toml(str(settings.data_dir)),
        port=settings.http.port,
        public_urls=_toml_list(settings.http.public_urls),
        host_names=_toml_list(settings.tls.host_names),
        relay_port=settings.relay.port,
        relay_count=settings.relay.count,
    )


def chosen_settings(
    base: Settings, hosts: tuple[str, ...], data_dir: Path | None, port: int | None, relay_port: int | None
) -> Settings:
    """`base` with what was given on the command line, whatever the environment says."""
    http, relay, tls_section = base.http, base.relay, base.tls
    if port is not None:
        http = http.model_copy(update={"port": port})
    if hosts:
        url = f"https://[{hosts[0]}]" if ":" in hosts[0] else f"https://{hosts[0]}"
        http = Http.model_validate(http.model_dump() | {"public_urls": (f"{url}:{http.port}",)})
        tls_section = tls_section.model_copy(update={"host_names": hosts})
    if relay_port is not None:
        relay = relay.model_copy(update={"port": relay_port})
    update: dict[str, object] = {"http": http, "relay": relay, "tls": tls_section}
    if data_dir is not None:
        update["data_dir"] = data_dir
    return base.model_copy(update=update)


def write_settings(path: Path, settings: Settings) -> bool:
    """Write the file; False if there is one already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(settings_text(settings))
    except FileExistsError:
        return False
    path.chmod(0o640)  # it may get a database password
    return True


async def prepare(settings: Settings) -> tls.Certificates | None:
    """Data folder, certificates and an up-to-date database."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    certificates = await asyncio.to_thread(tls.certificates, settings)
    await upgrade(settings.database)
    database = Database(settings.database)
    try:
        await seal_all(database, SecretBox(settings.secrets_key))
    finally:
        await database.close()
    if settings.backup.enabled and settings.backup.passphrase is None:
        await asyncio.to_thread(make_key, settings.backup_key)
    return certificates


async def first_administrator(settings: Settings, username: str) -> str | None:
    """Make an administrator and return its random password; None when there are users already."""
    database = Database(settings.database)
    accounts = Accounts(database, settings.session, time.time)
    try:
        if await accounts.count():
            return None
        password = random_password()
        await accounts.add_user(username, "Quản trị viên", Role.ADMINISTRATOR, password, must_change=True)
        return password
    finally:
        accounts.close()
        await database.close()


async def user_with_new_password(settings: Settings, username: str, name: str, role: Role) -> str:
    """Make the user, or give it a new password; returns the password.  For demonstrations only."""
    database = Database(settings.database)
    accounts = Accounts(database, settings.session, time.time)
    password = random_password()
    try:
        if any(user.username == username for user in await accounts.users()):
            await accounts.set_password(username, password)
            await accounts.set_disabled(username, False)
            await accounts.unlock(username)
            await accounts.drop_second_factor(username)
        else:
            await accounts.add_user(username, name, role, password)
    finally:
        accounts.close()
        await database.close()
    return password


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _toml_list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_toml, values))}]"
