"""No room without a registration or an emergency order (S23, articles 6.1 and 13.2).

The Sở's own accounts may open a room at any time: the demonstration, the training room, a test.
"""

from __future__ import annotations

from control_api.accounts.accounts import SignedIn
from control_api.accounts.scope import of_so
from control_api.bookings.rules import DEFAULT_RULES
from control_api.problems import Refused
from control_api.settings import Settings


def check_booked(settings: Settings, user: SignedIn) -> None:
    """Raises Refused `booking_required` for an agency's account that opens a room by itself."""
    if settings.bookings.required and not of_so(user):
        phone = DEFAULT_RULES[-1].phone
        raise Refused(
            "booking_required",
            "Phòng họp chỉ được tạo từ phiếu đăng ký đã được Sở cấp phòng. Hãy đăng ký cuộc họp; "
            f"trường hợp khẩn cấp, gọi {phone}.",
            "A room is made from a registration that the Sở has allocated. Register the meeting; "
            f"if it is urgent, call {phone}.",
        )
