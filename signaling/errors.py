"""From expected errors to what an endpoint is told: the one place where codes, fatality and close codes are decided."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mcu_core.errors import EndpointError, McuError, PeerLost
from signaling.messages import Error

NORMAL, TOO_BIG, TIMEOUT = 1000, 1009, 3008  # RFC 6455, section 7.4.1; 3008 is registered as "Timeout"

CLOSE_CODES: Mapping[str, int] = MappingProxyType(
    {
        "message_too_large": TOO_BIG,
        "bad_message": 4401,
        "hello_timeout": 4402,
        "bad_version": 4403,
        "bad_token": 4404,
        "conference_closed": 4405,
        "removed": 4406,
        "replaced": 4407,
        "too_many_messages": 4408,
        "mcu_busy": 4409,
        "wrong_network": 4410,
    }
)
BUSY_RETRY_AFTER = 30.0
AWAY_RETRY_AFTER = 3.0  # of a hello that came while the database or a process was away
_NOT_FATAL = frozenset(
    {
        "bad_message",
        "not_allowed",
        "bad_offer",
        "unsupported_codec",
        "media_unavailable",
        "too_often",
        "queue_full",
        "not_stored",
    }
)
_TOLD_AS_IS = frozenset(CLOSE_CODES) | _NOT_FATAL


def told(error: McuError) -> Error:
    """What the endpoint is told.  Codes that are not its business come out as `media_unavailable`."""
    if error.code in _TOLD_AS_IS:
        fatal = error.code not in _NOT_FATAL
        retry_after = BUSY_RETRY_AFTER if error.code == "mcu_busy" else None
        return Error(code=error.code, vi=error.vi, en=error.en, fatal=fatal, retry_after=retry_after)
    if isinstance(error, EndpointError):
        return Error(code="bad_offer", vi=error.vi, en=error.en, fatal=False)
    return told(media_unavailable())


def close_code(error: Error) -> int:
    return CLOSE_CODES.get(error.code, NORMAL)


def media_unavailable() -> PeerLost:
    return PeerLost(
        "media_unavailable",
        "Máy chủ chưa sẵn sàng truyền hình và tiếng. Trang này sẽ tự kết nối lại.",
        "The server cannot carry picture and sound at the moment. This page will reconnect by itself.",
    )


def bad_token() -> EndpointError:
    return EndpointError(
        "bad_token",
        "Đường dẫn tham gia không đúng hoặc đã hết hạn. Hãy xin đường dẫn mới từ người vận hành.",
        "The join link is wrong or has expired. Ask the operator for a new one.",
    )


def conference_closed() -> EndpointError:
    return EndpointError(
        "conference_closed",
        "Phiên họp chưa mở hoặc đã kết thúc.",
        "The conference is not open yet, or it is over.",
    )


def removed() -> EndpointError:
    return EndpointError(
        "removed",
        "Người vận hành đã đưa điểm cầu này ra khỏi phiên họp.",
        "The operator removed this site from the conference.",
    )


def replaced() -> EndpointError:
    return EndpointError(
        "replaced",
        "Một máy khác đã vào họp bằng đường dẫn của điểm cầu này.",
        "Another device joined with this site's link.",
    )


def wrong_network() -> EndpointError:
    return EndpointError(
        "wrong_network",
        "Điểm cầu này chỉ được vào họp qua mạng TSLCD. Nếu đường truyền hỏng, hãy báo Sở qua số 0204.3555.992.",
        "This site may join over the TSLCD only. If the line has failed, call the Sở: 0204.3555.992.",
    )


def not_allowed() -> EndpointError:
    return EndpointError(
        "not_allowed",
        "Điểm cầu không được chọn khung hình; người vận hành chọn.",
        "A site cannot choose its view; the operator does.",
    )


def asks_nothing() -> EndpointError:
    return EndpointError(
        "not_allowed",
        "Màn hình theo dõi không giơ tay và không báo sự cố; chỉ điểm cầu mới làm được.",
        "A monitor neither raises its hand nor reports; only a site does.",
    )


def too_often() -> EndpointError:
    return EndpointError(
        "too_often",
        "Điểm cầu vừa gửi yêu cầu này; xin chờ vài giây rồi thử lại.",
        "This site has just asked that; wait a few seconds and try again.",
    )


def queue_full() -> EndpointError:
    return EndpointError(
        "queue_full",
        "Danh sách chờ đã đầy. Xin chờ người vận hành xử lý bớt rồi thử lại.",
        "The list is full. Wait until the operator has dealt with some of it.",
    )


def not_stored() -> PeerLost:
    return PeerLost(
        "not_stored",
        "Máy chủ chưa ghi nhận được yêu cầu. Xin thử lại sau ít giây hoặc gọi điện cho người vận hành.",
        "The server could not take the request. Try again in a few seconds or telephone the operator.",
    )


def mcu_busy() -> EndpointError:
    return EndpointError(
        "mcu_busy",
        "Máy chủ đã đủ số điểm cầu. Hãy thử lại sau ít phút hoặc báo người vận hành.",
        "The server carries as many sites as it can. Try again in a few minutes or tell the operator.",
    )


def monitors_full() -> EndpointError:
    return EndpointError(
        "mcu_busy",
        "Đường dẫn này đang được xem ở quá nhiều cửa sổ. Hãy đóng bớt rồi thử lại.",
        "Too many windows watch with this link. Close some and try again.",
    )


def no_leg() -> EndpointError:
    return EndpointError(
        "bad_offer",
        "Không còn kết nối để làm mới; hãy tạo kết nối mới (restart: false).",
        "There is no connection to restart; make a new one (restart: false).",
    )
