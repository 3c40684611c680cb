"""What people are told when an account does not do what they want."""

from __future__ import annotations

from control_api.problems import Refused
from mcu_core.errors import OperatorError


def bad_login() -> Refused:
    return Refused(
        "bad_login",
        "Tên đăng nhập hoặc mật khẩu không đúng.",
        "The user name or the password is wrong.",
    )


def account_locked() -> Refused:
    return Refused(
        "account_locked",
        "Tài khoản đang bị khóa. Hãy đề nghị quản trị viên mở khóa.",
        "The account is locked. Ask an administrator to unlock it.",
    )


def account_expired() -> Refused:
    return Refused(
        "account_expired",
        "Tài khoản đã hết hạn sử dụng. Hãy đề nghị quản trị viên gia hạn.",
        "The account has expired. Ask an administrator to extend it.",
    )


def code_needed() -> Refused:
    return Refused(
        "code_needed",
        "Hãy nhập mã 6 chữ số trong ứng dụng xác thực trên điện thoại, hoặc một mã dự phòng.",
        "Enter the 6 digits of your authenticator application, or a recovery code.",
    )


def bad_code() -> Refused:
    return Refused(
        "bad_code",
        "Mã không đúng hoặc đã dùng. Hãy chờ mã mới hiện ra rồi nhập lại.",
        "The code is wrong or was used before. Wait for the next one and try again.",
    )


def wrong_code() -> Refused:
    """The same of somebody who is signed in."""
    return Refused(
        "wrong_code",
        "Mã không đúng. Hãy kiểm tra giờ của điện thoại và nhập mã đang hiện.",
        "The code is wrong. Check the clock of your telephone and enter the code that it shows now.",
    )


def second_factor_unreadable() -> Refused:
    """The key file was lost or replaced; recovery codes need no key."""
    return Refused(
        "second_factor_unreadable",
        "Máy chủ không đọc được mã xác thực đã đăng ký vì tệp khóa secrets.key bị mất hoặc bị thay. Hãy nhập một mã dự "
        "phòng, hoặc đề nghị quản trị viên đặt lại mã xác thực.",
        "The server cannot read your second factor: its key file secrets.key was lost or replaced. Enter a recovery "
        "code, or ask an administrator to reset the second factor.",
    )


def wrong_password() -> Refused:
    return Refused(
        "wrong_password",
        "Mật khẩu hiện tại không đúng.",
        "The present password is wrong.",
    )


def same_password() -> Refused:
    return Refused(
        "same_password",
        "Mật khẩu mới phải khác mật khẩu hiện tại.",
        "The new password must differ from the present one.",
    )


def password_change_needed() -> Refused:
    return Refused(
        "password_change_needed",
        "Mật khẩu này do người khác đặt. Hãy đổi mật khẩu trước khi làm việc tiếp.",
        "Somebody else set this password. Change it before you go on.",
    )


def second_factor_needed() -> Refused:
    return Refused(
        "second_factor_needed",
        "Vai trò của bạn phải dùng mã xác thực trên điện thoại. Hãy đăng ký ứng dụng xác thực trước khi làm việc tiếp.",
        "Your role needs a second factor. Set up an authenticator application before you go on.",
    )


def second_factor_required() -> Refused:
    return Refused(
        "second_factor_required",
        "Vai trò của bạn bắt buộc dùng mã xác thực nên không bỏ được.",
        "Your role must keep its second factor.",
    )


def second_factor_in_use() -> Refused:
    return Refused(
        "second_factor_in_use",
        "Tài khoản đã đăng ký ứng dụng xác thực. Muốn đổi máy, hãy bỏ đăng ký cũ trước.",
        "The account has a second factor already. Remove it first to change the telephone.",
    )


def no_second_factor() -> Refused:
    return Refused(
        "no_second_factor",
        "Tài khoản chưa đăng ký ứng dụng xác thực. Hãy bắt đầu đăng ký trước.",
        "The account has no second factor. Begin to set one up first.",
    )


def unknown_user(username: str) -> OperatorError:
    return OperatorError(
        "unknown_user",
        f"Không có người dùng {username}. Xem danh sách: `mcu user list`.",
        f"There is no user {username}. See `mcu user list`.",
    )


def unknown_organisation(organisation: str) -> OperatorError:
    return OperatorError(
        "unknown_organisation",
        f"Danh bạ không có cơ quan {organisation} đang hoạt động. Hãy thêm cơ quan vào danh bạ trước, rồi mới gán tài "
        "khoản.",
        f"The directory has no active organisation {organisation}. Add it there first, then give it accounts.",
    )


def last_administrator() -> Refused:
    return Refused(
        "last_administrator",
        "Đây là quản trị viên cuối cùng còn dùng được. Hãy tạo thêm một quản trị viên trước.",
        "This is the last administrator who can sign in. Make another one first.",
    )


def not_yourself() -> Refused:
    return Refused(
        "not_yourself",
        "Không tự làm việc này với tài khoản của mình được. Hãy nhờ một quản trị viên khác.",
        "You cannot do this to your own account. Ask another administrator.",
    )


def email_taken() -> Refused:
    return Refused(
        "email_taken",
        "Địa chỉ thư này đã thuộc tài khoản khác.",
        "This e-mail address belongs to another account.",
    )
