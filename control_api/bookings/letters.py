"""The official letter of registration (S66): its file, kept in the database, and the gate that asks for it."""

from __future__ import annotations

import base64
import binascii
import hashlib

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control_api.bookings.booking import Booking
from control_api.bookings.gates import GATES, Blocker
from control_api.bookings.models import MOST_LETTER, LetterFile
from control_api.bookings.steps import Step
from control_api.bookings.tables import BookingLetter
from control_api.problems import Refused

_BEGINNINGS = {"application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n"}


async def letter_is_named(session: AsyncSession, booking: Booking, now: float) -> list[Blocker]:
    """Ordinary meetings of classes A and B are registered in writing (appendix, step 1)."""
    if booking.urgent or booking.class_ == "C" or booking.form.get("letter"):
        return []
    return [
        Blocker(
            "no_letter",
            "chưa có số và ngày văn bản đăng ký; cơ quan chủ trì cần bổ sung.",
            "the number and date of the official letter are missing; the host adds them.",
        )
    ]


GATES[Step.ALLOCATED].append(letter_is_named)


def read_file(body: LetterFile) -> bytes:
    """Raises Refused `bad_file` when it is not what it says."""
    try:
        content = base64.b64decode(body.content, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(_BEGINNINGS[body.media_type]) or len(content) > MOST_LETTER:
        raise Refused(
            "bad_file",
            f"Tệp phải là PDF, JPEG hoặc PNG (mã hóa base64), không quá {MOST_LETTER // 1024 // 1024} MB.",
            f"The file must be a PDF, JPEG or PNG in base64, of at most {MOST_LETTER // 1024 // 1024} MB.",
        )
    return content


async def put_letter(
    session: AsyncSession, booking_id: str, body: LetterFile, content: bytes, by: str, at: float
) -> None:
    """Replace the file.  Pictures and PDFs only, so nothing is ever run from it."""
    await session.merge(
        BookingLetter(
            booking_id=booking_id,
            name=body.name,
            media_type=body.media_type,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            at=at,
            by=by,
        )
    )


async def letter_name(session: AsyncSession, booking_id: str) -> str | None:
    return await session.scalar(select(BookingLetter.name).where(BookingLetter.booking_id == booking_id))


async def get_letter(session: AsyncSession, booking_id: str) -> BookingLetter:
    """Raises Refused `unknown_letter`."""
    found = await session.get(BookingLetter, booking_id)
    if found is None:
        raise Refused(
            "unknown_letter",
            "Phiếu này chưa có tệp văn bản đăng ký.",
            "No file of the official letter was uploaded for this booking.",
        )
    return found
