"""`mcu`: the command line.  Commands import what they need when they run, so that `mcu --help` answers at once."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from control_api.directory.command import directory
from control_api.journal.command import journal
from control_api.upkeep.command import backups, restore
from mcu_core.errors import McuError

if TYPE_CHECKING:
    from control_api.accounts.accounts import Accounts
    from control_api.demo import DemoFacts

T = TypeVar("T")

_INTRO = """\
[b]Điểm Cầu MCU[/b]: máy chủ hội nghị nhiều điểm cầu · a video MCU in software.

[b]Thử ngay · Try it[/b]
  mcu demo                           họp thử trên máy này · a demo meeting

[b]Dùng thật · For real[/b]
  mcu init --host mcu.tinh.gov.vn    chuẩn bị lần đầu · first run
  mcu serve                          chạy máy chủ · run the server
  mcu user add lan                   thêm người vận hành · add an operator

Cấu hình · settings: [b]mcu.toml[/b] (MCU_CONFIG), environment [b]MCU_*[/b]
"""

app = typer.Typer(
    help=_INTRO, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False
)
users = typer.Typer(help="Người dùng của bàn điều khiển · users of the console", no_args_is_help=True)
bench = typer.Typer(help="Đo hiệu năng · benchmarks: what is fast and how we know", no_args_is_help=True)
app.add_typer(users, name="user")
app.add_typer(bench, name="bench")
app.add_typer(directory, name="directory")
app.add_typer(journal, name="journal")
app.add_typer(backups, name="backup")


def main() -> None:
    """Entry of the `mcu` script: refusals become two sentences and an exit code, never a traceback."""
    try:
        app()
    except McuError as error:
        _complain(error.vi, error.en)
        sys.exit(2)


# --------------------------------------------------------------------------------------------------------- server


@app.command()
def serve() -> None:
    """Chạy máy chủ · run the server: control, relays, mixers; Ctrl-C stops them all."""
    import os

    from control_api.settings import load_settings
    from mcu_core.node.supervisor import run_supervisor

    settings = load_settings()
    os.environ.update(settings.worker_environment())
    raise typer.Exit(run_supervisor(settings.socket_dir))


@app.command()
def init(
    host: Annotated[
        list[str] | None, typer.Option(help="Tên hoặc địa chỉ người dùng mở · name or address that people open")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Thư mục dữ liệu · folder of all data; mặc định · default var")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Cổng HTTPS · port; mặc định · default 8443")
    ] = None,
    relay_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Cổng UDP cho hình và tiếng · UDP, media; 40000")
    ] = None,
    config: Annotated[Path, typer.Option(help="Tệp cấu hình · settings file")] = Path("mcu.toml"),
    admin: Annotated[str, typer.Option(help="Tên quản trị viên · name of the administrator")] = "admin",
) -> None:
    """Chuẩn bị lần đầu · first run: settings file, database, local CA, administrator.

    Chạy lại không làm mất gì · running it again loses nothing.
    """
    import asyncio

    from rich.table import Table

    from control_api import tls
    from control_api.first_run import chosen_settings, first_administrator, prepare, write_settings
    from control_api.settings import load_settings, read_settings

    # What is not given here comes from the environment, as it will for `mcu serve`; what is given stands before it.
    wanted = chosen_settings(read_settings({}, config), tuple(host or ()), data_dir, port, relay_port)
    written = write_settings(config, wanted)
    served = load_settings(config)
    settings = wanted if written else served
    certificates = asyncio.run(prepare(settings))
    password = asyncio.run(first_administrator(settings, admin))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("Cấu hình · settings", f"{config}{'' if written else ' (đã có, giữ nguyên · kept)'}")
    facts.add_row("Dữ liệu · data", str(settings.data_dir.resolve()))
    if certificates is not None and certificates.root is not None:
        facts.add_row("Chứng thư gốc · root CA", str(certificates.root))
        facts.add_row("SHA-256", tls.fingerprint(certificates.root))
    if password is not None:
        facts.add_row("Quản trị viên · administrator", f"[b]{admin}[/b]")
        facts.add_row("Mật khẩu · password", f"[b]{password}[/b]  (chỉ hiện một lần · shown only once)")
        facts.add_row(
            "Lần đầu đăng nhập · first sign-in",
            "đổi mật khẩu, rồi quét mã bằng ứng dụng xác thực · change it, then scan a code with an authenticator",
        )
    if settings != served:
        facts.add_row("Chú ý · note", "biến MCU_* đang thay giá trị trong tệp · MCU_* variables override the file")
    facts.add_row("Tiếp theo · next", f"mcu serve   →   {served.own_url()}")
    _console().print(facts)


@app.command()
def demo(
    sites: Annotated[int, typer.Option(min=1, max=16, help="Số điểm cầu mẫu · synthetic sites")] = 8,
    data_dir: Annotated[Path, typer.Option(help="Thư mục dữ liệu · folder")] = Path("var/demo"),
    port: Annotated[int | None, typer.Option(help="Cổng HTTPS · port; mặc định · default 8443")] = None,
    relay_port: Annotated[int | None, typer.Option(help="Cổng UDP · UDP port; mặc định · default 40000")] = None,
    source: Annotated[str, typer.Option(help="Hình của điểm cầu mẫu · what each sends")] = "320x180@15",
) -> None:
    """Phiên họp mẫu trên máy này · a whole meeting on this machine, with synthetic sites.

    In ra địa chỉ bàn điều khiển, tài khoản và đường dẫn tham gia cho bạn; Ctrl-C dừng tất cả.
    Prints the console's address, a login and a join link for you; Ctrl-C stops everything.
    """
    import asyncio
    import contextlib
    import signal

    from control_api.demo import DemoOptions, run_demo

    console = _console(stderr=True)

    async def run() -> None:
        stop, started = asyncio.Event(), asyncio.Event()
        with console.status("…") as status:

            def ready(facts: DemoFacts) -> None:
                status.stop()
                started.set()
                _show_demo(facts)

            def say(vi: str, en: str) -> None:
                if console.is_terminal:
                    status.update(f"{vi} · {en}…")
                else:
                    console.print(f"{vi} · {en}…")

            options = DemoOptions(data_dir, sites, port, relay_port, source)
            work = asyncio.create_task(run_demo(options, say, ready, stop), name="demo")

            def interrupt() -> None:
                if stop.is_set() or not started.is_set():  # still starting, or asked twice
                    work.cancel()
                stop.set()

            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, interrupt)
            with contextlib.suppress(asyncio.CancelledError):
                await work

    asyncio.run(run())


def _show_demo(facts: DemoFacts) -> None:
    """Addresses stand alone on their lines and are never folded, so that they can be copied or clicked."""
    from rich.markup import escape
    from rich.rule import Rule

    console = _console()
    lines = (
        ("Vào họp bằng trình duyệt, thấy chính mình trong hình ghép · join, see yourself in the mix", facts.site_link),
        ("Bàn điều khiển · console", facts.console),
        ("Đăng nhập · login", f"{facts.username}  /  {facts.password}"),
        ("Trình duyệt cảnh báo? Cài chứng thư · the browser warns? install the certificate", facts.certificate),
        ("Từ máy khác, thay localhost bằng · from other machines", "  ".join(facts.other_addresses)),
        ("Nhật ký · log", str(facts.log)),
    )
    console.print(Rule("Điểm Cầu MCU"))
    for label, value in lines:
        if value:
            console.print(f"{label}\n    [bold]{escape(value)}[/bold]", soft_wrap=True)
    console.print(Rule())
    console.print(f"{facts.sites} điểm cầu mẫu đang họp; Ctrl-C để dừng · synthetic sites are in; Ctrl-C stops all")


# ------------------------------------------------------------------------------------------------------ self-test


@app.command()
def selftest(
    wait: Annotated[float, typer.Option(min=1, help="Chờ tối đa bao nhiêu giây · seconds to wait")] = 120.0,
    json: Annotated[bool, typer.Option("--json", help="In báo cáo JSON · print the report as JSON")] = False,
) -> None:
    """Tự kiểm tra · self-test: a short synthetic call through the running server, and its report.

    Máy chủ phải đang chạy; kết quả cũng có trong trang quản lý · the server must run; its office page shows it too.
    """
    import asyncio

    from control_api.checks.command import ask_and_wait

    good, report = asyncio.run(ask_and_wait(wait))
    if json:
        print(json_module.dumps({"good": good, **report}, ensure_ascii=False))
    else:
        for problem in report.get("problems", ()):
            _console(stderr=True).print(f"[red]✗[/red] {problem}")
        _console().print("✓ Hệ thống hoạt động tốt · all is well" if good else "✗ Có lỗi · there are faults")
    raise typer.Exit(0 if good else 1)


# ----------------------------------------------------------------------------------------------------------- site


@app.command()
def site(
    link: Annotated[list[str] | None, typer.Argument(help="Đường dẫn tham gia · join links")] = None,
    links: Annotated[
        Path | None, typer.Option(help="Tệp chứa đường dẫn, mỗi dòng một; - là đầu vào · file of links, - for stdin")
    ] = None,
    source: Annotated[str, typer.Option(help="Rộng x cao @ khung/giây · width x height @ rate")] = "320x180@10",
    file: Annotated[Path | None, typer.Option(help="Phát tệp này thay cho hình mẫu · send this file")] = None,
    codec: Annotated[str | None, typer.Option(help="H264 | VP8")] = None,
    voice: Annotated[str, typer.Option(help="tone | babble | silence")] = "tone",
    turns: Annotated[int, typer.Option(help="Lần lượt nói, mỗi lượt bấy nhiêu giây · speak in turns of seconds")] = 0,
    decode: Annotated[int, typer.Option(help="Số điểm cầu giải mã và đo · how many decode and measure")] = 1,
    monitor: Annotated[str | None, typer.Option(help="programme | chair | wall")] = None,
    seconds: Annotated[float | None, typer.Option(help="Thời gian · how long; mặc định đến Ctrl-C")] = None,
    report: Annotated[Path | None, typer.Option(help="Ghi báo cáo JSON vào tệp · write the report here")] = None,
    watch: Annotated[bool, typer.Option(help="In một dòng JSON mỗi giây · one JSON line a second")] = False,
    ca: Annotated[Path | None, typer.Option(help="Chứng thư gốc của máy chủ · root certificate (PEM)")] = None,
    insecure: Annotated[bool, typer.Option(help="Không kiểm tra chứng thư · do not verify")] = False,
) -> None:
    """Điểm cầu không màn hình · headless sites: send a pattern or a file, report what came back as JSON.

    Ví dụ · example: mcu site https://mcu:8443/join/kX3… --ca var/tls/ca.pem --seconds 20
    """
    import asyncio

    from endpoint_client.headless import SiteRefused, run_site

    given = list(link or ())
    if links is not None:
        text = sys.stdin.read() if str(links) == "-" else links.read_text(encoding="utf-8")
        given += text.split()
    if not given:
        _complain("Thiếu đường dẫn tham gia.", "Give at least one join link.")
        raise typer.Exit(2)
    try:
        asyncio.run(
            run_site(
                given[0],
                more=given[1:],
                source=source,
                file=file,
                codec=_one_of(codec, ("H264", "VP8")) if codec else None,  # type: ignore[arg-type]
                voice=_one_of(voice, ("tone", "babble", "silence")),  # type: ignore[arg-type]
                turns=turns,
                decode=decode,
                monitor=monitor,
                seconds=seconds,
                report=report,
                watch=watch,
                ca=ca,
                insecure=insecure,
            )
        )
    except SiteRefused as error:
        _complain(error.vi or str(error), error.en or str(error))
        raise typer.Exit(1) from None
    except (ValueError, OSError) as error:
        _complain(str(error), "")
        raise typer.Exit(2) from None


# ---------------------------------------------------------------------------------------------------------- users


@users.command("add")
def user_add(
    username: str,
    role: Annotated[
        str, typer.Option(help="administrator | officer | operator | technician | host | auditor | carrier | viewer")
    ] = "operator",
    name: Annotated[str, typer.Option(help="Tên hiển thị · name as shown")] = "",
    organisation: Annotated[
        str | None, typer.Option(help="Mã cơ quan trong danh bạ; bỏ trống: của Sở · organisation's id; none: the Sở's")
    ] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Mật khẩu ngẫu nhiên, in một lần · print a random one")
    ] = False,
) -> None:
    """Thêm người dùng · add a user. A random password must be changed at the first sign-in."""
    from control_api.accounts.rules import Role, random_password

    kind = Role(_one_of(role, tuple(Role)))
    password = random_password() if random else _ask_password()
    _with_accounts(
        lambda accounts: accounts.add_user(
            username, name, kind, password, organisation=organisation, must_change=random
        )
    )
    _console().print(f"Đã thêm · added: [b]{username}[/b] ({kind.value})")
    if random:
        _console().print(f"Mật khẩu · password: [b]{password}[/b]  (chỉ hiện một lần · shown only once)")


@users.command("list")
def user_list(json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Danh sách người dùng · list users."""
    from rich.table import Table

    rows = [
        {
            "username": user.username,
            "name": user.name,
            "role": user.role,
            "organisation": user.organisation_id,
            "disabled": user.disabled,
            "locked": user.locked_at is not None,
            "second_factor": user.totp_since is not None,
        }
        for user in _with_accounts(lambda accounts: accounts.users())
    ]
    if json:
        print(json_module.dumps(rows, ensure_ascii=False))
        return
    table = Table(
        "Tên đăng nhập · user", "Tên · name", "Vai trò · role", "Cơ quan · organisation", "Trạng thái · state"
    )
    for row in rows:
        state = "[red]ngừng dùng · disabled[/red]" if row["disabled"] else "dùng được · active"
        if row["locked"]:
            state = "[yellow]bị khóa · locked[/yellow]"
        table.add_row(str(row["username"]), str(row["name"]), str(row["role"]), str(row["organisation"] or "Sở"), state)
    _console().print(table)


@users.command("passwd")
def user_passwd(
    username: str,
    random: Annotated[
        bool, typer.Option("--random", help="Mật khẩu ngẫu nhiên, in một lần · print a random one")
    ] = False,
) -> None:
    """Đổi mật khẩu · change a password; ends the user's sessions. A random one must be changed at the next sign-in."""
    from control_api.accounts.rules import random_password

    password = random_password() if random else _ask_password()
    _with_accounts(lambda accounts: accounts.set_password(username, password, must_change=random))
    _console().print("Đã đổi mật khẩu · password changed.")
    if random:
        _console().print(f"Mật khẩu · password: [b]{password}[/b]  (chỉ hiện một lần · shown only once)")


@users.command("disable")
def user_disable(
    username: str,
    enable: Annotated[bool, typer.Option("--undo", help="Mở khóa · enable again")] = False,
) -> None:
    """Khóa người dùng ngay lập tức · disable a user at once."""
    _with_accounts(lambda accounts: accounts.set_disabled(username, not enable))
    _console().print("Đã mở khóa · enabled." if enable else "Đã khóa · disabled.")


app.command()(restore)


@users.command("unlock")
def user_unlock(username: str) -> None:
    """Mở khóa tài khoản bị khóa do nhập sai nhiều lần · unlock an account after too many wrong attempts."""
    _with_accounts(lambda accounts: accounts.unlock(username))
    _console().print("Đã mở khóa · unlocked.")


@users.command("reset-totp")
def user_reset_totp(username: str) -> None:
    """Bỏ ứng dụng xác thực đã mất · forget a lost telephone; a new one is set up at the next sign-in."""
    _with_accounts(lambda accounts: accounts.drop_second_factor(username))
    _console().print("Đã bỏ xác thực hai lớp · second factor forgotten.")


@users.command("rotate-key")
def user_rotate_key() -> None:
    """Thay khóa mã hóa mã xác thực · a new key seals the second factors; the server may be running."""
    import asyncio

    from control_api.accounts.sealed_rows import seal_all
    from control_api.accounts.sealing import SecretBox
    from control_api.settings import load_settings
    from control_api.store.database import Database

    settings = load_settings()
    box = SecretBox(settings.secrets_key)

    async def run() -> tuple[int, tuple[str, ...]]:
        database = Database(settings.database)
        try:
            found = await seal_all(database, box)  # what the key before last sealed would be lost
            box.rotate()
            return (await seal_all(database, box)).sealed, found.lost
        finally:
            await database.close()

    sealed, lost = asyncio.run(run())
    _console().print(f"Đã mã hóa lại · sealed anew: {sealed}. Khóa · key: {settings.secrets_key}")
    if lost:
        _console().print(
            f"! Không đọc được mã xác thực của · cannot read the second factor of: {', '.join(lost)}. "
            "Chạy · run `mcu user reset-totp`."
        )
        raise typer.Exit(1)


# ----------------------------------------------------------------------------------------------------- benchmarks

_JSON = Annotated[bool, typer.Option("--json", help="Một đối tượng JSON ra stdout · one JSON object on stdout")]
_SECONDS = Annotated[float | None, typer.Option("--seconds", help="Thời gian đo · how long to measure")]
_QUICK = Annotated[bool, typer.Option("--quick", help="Đo nhanh, kém chính xác · fast and rough")]
_SITES = Annotated[int, typer.Option("--sites", min=1, help="Số điểm cầu · sites")]
_SOURCE = Annotated[str, typer.Option("--source", help="Mỗi điểm cầu gửi gì · what each site sends")]
BENCHES = ("compose", "fanout", "ingest", "audio", "drift", "encode", "room", "scale", "line", "lipsync", "store")


@bench.command("compose")
def bench_compose(seconds: _SECONDS = None, quick: _QUICK = False, json: _JSON = False) -> None:
    """Ghép hình, so với FFmpeg xstack · compose tiles, beside FFmpeg's xstack."""
    _bench("compose", json, seconds=seconds, quick=quick)


@bench.command("fanout")
def bench_fanout(seconds: _SECONDS = None, quick: _QUICK = False, json: _JSON = False) -> None:
    """Gửi một gói cho nhiều nơi, so với aiortc gốc · send to many, beside stock aiortc."""
    _bench("fanout", json, seconds=seconds, quick=quick)


@bench.command("ingest")
def bench_ingest(seconds: _SECONDS = None, quick: _QUICK = False, json: _JSON = False) -> None:
    """Nhận gói, so với aiortc gốc · receive packets, beside stock aiortc."""
    _bench("ingest", json, seconds=seconds, quick=quick)


@bench.command("audio")
def bench_audio(seconds: _SECONDS = None, quick: _QUICK = False, json: _JSON = False) -> None:
    """Trộn tiếng · mix sound."""
    _bench("audio", json, seconds=seconds, quick=quick)


@bench.command("drift")
def bench_drift(
    hours: Annotated[float, typer.Option(help="Bao nhiêu giờ, tính nhanh · hours, simulated")] = 2.0,
    quick: _QUICK = False,
    json: _JSON = False,
) -> None:
    """Đồng hồ điểm cầu sai ±100 ppm: độ trễ có tăng không? · a site's clock is wrong: does its delay grow?"""
    _bench("drift", json, hours=hours, quick=quick)


@bench.command("encode")
def bench_encode(seconds: _SECONDS = None, quick: _QUICK = False, json: _JSON = False) -> None:
    """Mã hóa và giải mã · encode and decode."""
    _bench("encode", json, seconds=seconds, quick=quick)


@bench.command("room")
def bench_room(
    sites: _SITES = 30,
    source: _SOURCE = "320x180@15",
    seconds: _SECONDS = 20.0,
    layout: Annotated[str | None, typer.Option(help="Bố cục · layout of programme and chair")] = None,
    obey_hints: Annotated[
        bool, typer.Option("--obey-hints", help="Điểm cầu gửi ít đi khi MCU yêu cầu · sites send less when told to")
    ] = False,
    both_hints: Annotated[
        bool, typer.Option("--both-hints", help="Đo lần nữa khi điểm cầu làm theo · and once more with sites that obey")
    ] = False,
    wall: Annotated[
        bool, typer.Option("--wall/--no-wall", help="Có người xem tường hình · somebody watches the wall")
    ] = True,
    json: _JSON = False,
) -> None:
    """Cả hệ thống với N điểm cầu thật qua mạng nội bộ · the whole MCU with N real legs over loopback.

    Ví dụ · example: mcu bench room --sites 120 --layout 4x4 --source 320x180@15 --seconds 20
    """
    given = {"layout": layout, "obey_hints": obey_hints, "both_hints": both_hints, "wall": wall}
    _bench("room", json, sites=sites, source=source, seconds=seconds, **given)


@bench.command("scale")
def bench_scale(
    sites: Annotated[str, typer.Option(help="Những cỡ phòng, cách nhau bằng dấu phẩy · sizes: 120,260,320")] = "",
    largest: Annotated[int, typer.Option("--max", min=2, max=999, help="Cỡ lớn nhất · the largest size")] = 200,
    seconds: _SECONDS = None,
    quick: _QUICK = False,
    json: _JSON = False,
) -> None:
    """Phòng họp lớn dần: 8 đến 200 điểm cầu · rooms of growing size, 8 to 200 sites, and what breaks first.

    Ví dụ · example: mcu bench scale --max 500
    """
    try:
        sizes = tuple(int(size) for size in sites.split(",")) if sites else None
    except ValueError:
        raise typer.BadParameter(f"không phải các số · not numbers: {sites!r}", param_hint="--sites") from None
    _bench("scale", json, sizes=sizes, largest=largest, seconds=seconds, quick=quick)


@bench.command("line")
def bench_line(
    profile: Annotated[
        str, typer.Option(help="Đường truyền · line: N0 – N8, N11; N3: mất gói 5 % · 5 % loss, N7: đứt · cut")
    ] = "N2",
    seconds: _SECONDS = 30.0,
    seed: Annotated[int, typer.Option(help="Cùng số, cùng những gói bị mất · same number, same losses")] = 1,
    json: _JSON = False,
) -> None:
    """Hình và tiếng qua đường truyền xấu, cả hai chiều · picture and sound over a bad line, both ways.

    N6 đo ít nhất 90 giây, N8 30 giây; N7 chỉ đủ cả ba lần đứt (5, 10, 35 giây) với --seconds 130.
    N6 takes at least 90 s, N8 30 s; N7 has all its cuts (5, 10, 35 s) with --seconds 130 only.

    Ví dụ · example: mcu bench line --profile N3 --seconds 30
    """
    from benchmarks.impair import PROFILES

    if seconds and profile in PROFILES and (takes := PROFILES[profile].length(seconds)) > seconds:
        said = f"{profile}: cần ít nhất {takes:g} giây, không phải {seconds:g} · takes {takes:g} s, not {seconds:g}"
        _console(stderr=True).print(said)
    _bench("line", json, profile=_one_of(profile, tuple(PROFILES)), seconds=seconds, seed=seed)


@bench.command("lipsync")
def bench_lipsync(
    seconds: _SECONDS = 30.0,
    seed: Annotated[int, typer.Option(help="Cùng số, cùng những gói bị mất · same number, same losses")] = 1,
    profile: Annotated[str | None, typer.Option(help="Chỉ một đường truyền · one line only: N0, N2, N3")] = None,
    picture: Annotated[str | None, typer.Option(help="Chỉ loại hình này · this picture only: mixed, passed")] = None,
    quick: _QUICK = False,
    json: _JSON = False,
) -> None:
    """Hình và tiếng khớp nhau đến đâu, đo trên đường truyền · are picture and sound in step, measured on the wire.

    Ví dụ · example: mcu bench lipsync --profile N3 --picture mixed --seconds 30
    """
    from benchmarks.lipsync import LINES, PICTURES

    chosen = {
        "profile": _one_of(profile, LINES) if profile else None,
        "picture": _one_of(picture, PICTURES) if picture else None,
    }
    _bench("lipsync", json, seconds=seconds, seed=seed, **chosen, quick=quick)


@bench.command("store")
def bench_store(quick: _QUICK = False, json: _JSON = False) -> None:
    """Kho dữ liệu đầy: 10.000 phiên đăng ký, 1.000.000 dòng nhật ký · a full store: lists, searches, admission.

    --quick: một phần mười · a tenth of it
    """
    _bench("store", json, quick=quick)


@bench.command("soak")
def bench_soak(
    minutes: Annotated[float, typer.Option(min=0.2, help="Chạy bao nhiêu phút · how long")] = 20.0,
    sites: _SITES = 40,
    cycles: Annotated[
        int | None, typer.Option(min=0, help="Số lần vào ra · joins and leaves in all; mặc định 50 mỗi phút · a minute")
    ] = None,
    json: _JSON = False,
) -> None:
    """Chạy lâu, điểm cầu vào ra liên tục: có gì phình ra không? · sites come and go: does anything grow?

    Mã thoát 1 khi có gì phình ra, có tiến trình chết hoặc có điểm cầu không vào lại được · the exit code is 1 when
    something grows, a process ends or a site does not come back.

    Ví dụ · example: mcu bench soak --minutes 20 --sites 40
    """
    if not _bench("soak", json, minutes=minutes, sites=sites, cycles=cycles)["flat"]:
        raise typer.Exit(1)


@bench.command("all")
def bench_all(
    report: Annotated[Path | None, typer.Option(help="Báo cáo HTML có biểu đồ · HTML report with charts")] = None,
    sites: _SITES = 30,
    source: _SOURCE = "320x180@15",
    seconds: _SECONDS = None,
    quick: _QUICK = False,
    json: _JSON = False,
) -> None:
    """Mọi phép đo, trừ soak (20 phút) · every benchmark, one after the other, but for soak (20 minutes).

    Một phép đo lỗi không làm mất các phép đo khác; khi đó mã thoát là 1.
    One that fails does not lose the others; the exit code is then 1.
    """
    from importlib import import_module

    from rich.markup import escape

    from benchmarks.report import write_html

    results: dict[str, Any] = {}
    for name in BENCHES:
        rough = quick or name == "line"  # each of the other lines takes half a minute: `mcu bench line`
        options = {"sites": sites, "source": source, "seconds": seconds, "both_hints": True}
        try:
            results[name] = _measure(name, quick=rough, **options)
            if not json:
                _console().print(import_module(f"benchmarks.{name}").table(results[name]))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            results[name] = {**results.get(name, {}), "error": said}
            _console(stderr=True).print(f"[red]{name}: {escape(said)}[/]")
        if report is not None:  # whatever happens next, this is kept
            write_html(results, report)
    if report is not None:
        _console(stderr=True).print(f"Báo cáo · report: [b]{report}[/b]")
    if json:
        print(json_module.dumps(results, ensure_ascii=False))
    if any("error" in result for result in results.values()):
        raise typer.Exit(1)


def _bench(name: str, json: bool, **options: object) -> dict[str, Any]:
    """Run a benchmark and print what it measured."""
    from importlib import import_module

    result = _measure(name, **options)
    if json:
        print(json_module.dumps(result, ensure_ascii=False))
    else:
        _console().print(import_module(f"benchmarks.{name}").table(result))
    return result


def _measure(name: str, **options: object) -> dict[str, Any]:
    """Run a benchmark with those options it knows and were given; its progress goes to stderr."""
    import asyncio
    import inspect
    from importlib import import_module

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    run = import_module(f"benchmarks.{name}").run
    known = inspect.signature(run).parameters
    given = {key: value for key, value in options.items() if key in known and value is not None}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console(stderr=True)) as bar:
        task = bar.add_task(name, total=1.0)
        result = run(lambda done: bar.update(task, completed=done), **given)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        bar.update(task, completed=1.0)
    measured: dict[str, Any] = result
    return measured


async def _awaited(result: Any) -> Any:
    return await result


# ---------------------------------------------------------------------------------------------------------- other


@app.command()
def check(
    json: _JSON = False,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="Mỗi phần đo bao lâu · seconds for each part")] = 4.0,
    show: Annotated[bool, typer.Option("--show", help="Chỉ xem số liệu đang dùng · only show what is used")] = False,
) -> None:
    """Đo năng lực máy này, khoảng 20 giây · measure this machine: what bookings are admitted by.

    Nên chạy khi không có cuộc họp nào · best while no meeting runs.
    """
    from benchmarks.capacity import table
    from benchmarks.machine import machine, one_line
    from control_api.bookings.command import show_check

    measured = None if show else _measure("capacity", seconds=seconds)
    if measured is not None and not json:
        _console().print(table(measured))
    show_check(measured, one_line(machine()), json=json)


@app.command()
def openapi() -> None:
    """In mô tả API (OpenAPI 3.1) · print the API's OpenAPI document."""
    from control_api.app import openapi_json

    print(openapi_json())


# ---------------------------------------------------------------------------------------------------------- helpers


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160  # tables in a file must not be cut to 80 columns
    return Console(stderr=stderr, highlight=False, width=width)


def _complain(vi: str, en: str) -> None:
    from rich.markup import escape

    console = _console(stderr=True)
    console.print(f"[bold red]✗[/bold red] {escape(vi)}", soft_wrap=True)
    if en:
        console.print(f"  {escape(en)}", style="dim", soft_wrap=True)


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        choices = ", ".join(allowed)
        _complain(f"“{value}” không dùng được; hãy chọn: {choices}.", f"“{value}” is not one of: {choices}.")
        raise typer.Exit(2)
    return value


def _ask_password() -> str:
    """From the terminal, twice; from a pipe, one line."""
    if sys.stdin.isatty():
        entered: str = typer.prompt("Mật khẩu · password", hide_input=True, confirmation_prompt=True)
        return entered
    return sys.stdin.readline().rstrip("\n")


def _with_accounts(do: Callable[[Accounts], Coroutine[Any, Any, T]]) -> T:
    """Open the database of the settings, upgraded, and run `do`."""
    import asyncio
    import time

    from control_api.accounts.accounts import Accounts
    from control_api.settings import load_settings
    from control_api.store.database import Database
    from control_api.store.upgrade import upgrade

    async def run() -> T:
        settings = load_settings()
        await upgrade(settings.database)
        database = Database(settings.database)
        accounts = Accounts(database, settings.session, time.time)
        try:
            return await do(accounts)
        finally:
            accounts.close()
            await database.close()

    return asyncio.run(run())


if __name__ == "__main__":
    main()
