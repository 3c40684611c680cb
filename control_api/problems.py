"""Refusals: what an operator's program is told when a request is not carried out.

`problem` is the one place where an McuError becomes an HTTP answer: `{"error": {"code", "vi", "en", "detail"?}}`.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from mcu_core.errors import EndpointError, McuError, OperatorError, PeerLost
from mcu_core.validation import in_vietnamese

STATUS = {
    "bad_json": 400,
    "not_signed_in": 401,
    "bad_login": 401,
    "code_needed": 401,
    "bad_code": 401,
    "forbidden": 403,
    "not_yours": 403,
    "only_so": 403,
    "account_locked": 403,
    "account_expired": 403,
    "password_change_needed": 403,
    "second_factor_needed": 403,
    "address_blocked": 403,
    "bad_origin": 403,
    "bad_join_token": 403,
    "request_header_missing": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "not_json": 415,
    "invalid": 422,
    "bad_idempotency_key": 422,
    "cell_out_of_range": 422,
    "not_even": 422,
    "out_of_range": 422,
    "idempotency_key_reused": 422,
    "too_many_attempts": 429,
    "internal": 500,
}


class Refused(OperatorError):
    """An OperatorError with more to tell: which fields, or when to come back (seconds)."""

    def __init__(self, code: str, vi: str, en: str, *, detail: Any = None, retry_after: float | None = None) -> None:
        super().__init__(code, vi, en)
        self.detail = detail
        self.retry_after = retry_after


class ErrorBody(BaseModel):
    code: str = Field(description="Stable, snake_case.", examples=["unknown_site"])
    vi: str = Field(description="What was wrong and what to do, in Vietnamese.")
    en: str = Field(description="The same in English.")
    detail: Any = Field(default=None, description="Which fields were wrong, where that helps.")


class ErrorAnswer(BaseModel):
    """Body of every answer that is not 2xx."""

    error: ErrorBody


def status_of(error: McuError) -> int:
    """By code; otherwise what is unknown is 404, and the rest goes by who must act."""
    if error.code in STATUS:
        return STATUS[error.code]
    if error.code.startswith("unknown_"):
        return 404
    if isinstance(error, PeerLost):
        return 503
    return 422 if isinstance(error, EndpointError) or error.code.startswith(("bad_", "invalid_")) else 409


def problem(error: McuError) -> web.Response:
    body: dict[str, Any] = {"code": error.code, "vi": error.vi, "en": error.en}
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if isinstance(error, Refused):
        if error.detail is not None:
            body["detail"] = error.detail
        if error.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(error.retry_after)))
    status = status_of(error)
    if status == 401:
        headers["WWW-Authenticate"] = "Session"
    text = json.dumps({"error": body}, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def not_signed_in() -> Refused:
    return Refused(
        "not_signed_in",
        "Bạn chưa đăng nhập hoặc phiên đăng nhập đã hết hạn. Hãy đăng nhập lại.",
        "You are not signed in, or your session has ended. Sign in again.",
    )


def forbidden(right: str) -> Refused:
    return Refused(
        "forbidden",
        f"Tài khoản của bạn không có quyền này (cần quyền {right}). Hãy liên hệ quản trị viên.",
        f"Your account may not do this (the right {right} is needed). Ask the administrator.",
    )


def not_found(path: str) -> Refused:
    return Refused("not_found", f"Không có địa chỉ {path}.", f"There is nothing at {path}.")


def invalid(error: ValidationError, where: str) -> Refused:
    """What pydantic did not accept in the `body`, the `query` or the `path`."""
    found = error.errors(include_url=False, include_input=False)
    detail = [
        {"where": ".".join([where, *(str(part) for part in item["loc"])]), "problem": item["msg"]} for item in found
    ]
    place, first = detail[0]["where"], detail[0]["problem"]
    return Refused(
        "invalid",
        f"Dữ liệu gửi lên không hợp lệ ({place}: {in_vietnamese(found[0])}).",
        f"The request is not valid ({place}: {first}).",
        detail=detail,
    )
