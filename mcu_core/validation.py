"""What pydantic refuses, said in Vietnamese, so that no English message ends up inside a Vietnamese sentence.

Knows pydantic's error types by name only (https://docs.pydantic.dev/latest/errors/validation_errors/) and imports
nothing of it.  Used by every package that shows a validation error to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OTHER = "giá trị không hợp lệ"
_PHRASES = {
    "missing": "thiếu trường bắt buộc",
    "extra_forbidden": "không có trường nào tên này",
    "json_invalid": "không phải JSON đúng cú pháp",
    "json_type": "phải là văn bản JSON",
    "union_tag_invalid": "phải có loại là {expected_tags}",
    "union_tag_not_found": "thiếu trường {discriminator}",
    "literal_error": "phải là {expected}",
    "enum": "phải là {expected}",
    "none_required": "phải để trống",
    "not_an_origin": "phải có dạng https://mcu.example.vn hoặc https://mcu.example.vn:8443",
    "not_https": "phải có dạng https://id.tinh.example",
    "not_a_network": "phải là địa chỉ IP hoặc dải mạng như 10.0.0.0/8",
    "template_or_model": "phải có mẫu phòng họp, mô hình, hoặc cả hai",
    "bad_shift": "ca trực phải kết thúc sau khi bắt đầu và dài tối đa 24 giờ",
    "site_of_member": "chỉ ca trực của điểm cầu thành phần ghi điểm cầu",
    "who_is_missing": "phải có họ tên và số điện thoại, hoặc chọn cán bộ trong danh bạ",
    "remark_missing": "không đạt thì phải ghi rõ lý do",
    "only_auto_pages": "chỉ bố cục tự động mới lật trang",
    "not_even": "chiều rộng và chiều cao phải là số chẵn",
    "not_a_phone": "phải là số điện thoại Việt Nam, ví dụ 0912 345 678",
    "not_an_email": "phải là địa chỉ thư điện tử, ví dụ ten@bacninh.gov.vn",
    "bad_day": "phải là ngày trong khoảng năm 1990 đến 2100",
    "bad_days": "ngày kết thúc không được trước ngày bắt đầu",
    "control_characters": "không được chứa ký tự điều khiển",
    "not_base64": "phải là nội dung tệp mã hóa base64",
    "twice": "có mục bị lặp lại",
    "wrong_wanted": "đổi phòng họp, địa chỉ phải dùng phiếu di chuyển, và phiếu phải ghi phòng hoặc địa chỉ",
    # texts
    "string_type": "phải là chuỗi ký tự",
    "string_too_short": "phải có ít nhất {min_length} ký tự",
    "string_too_long": "chỉ được có tối đa {max_length} ký tự",
    "string_pattern_mismatch": "không đúng mẫu {pattern}",
    "string_unicode": "không phải văn bản Unicode",
    "path_type": "phải là đường dẫn tệp hoặc thư mục",
    # numbers
    "bool_parsing": "phải là true hoặc false",
    "bool_type": "phải là true hoặc false",
    "int_parsing": "phải là số nguyên",
    "int_type": "phải là số nguyên",
    "int_from_float": "phải là số nguyên",
    "float_parsing": "phải là số",
    "float_type": "phải là số",
    "finite_number": "phải là số hữu hạn",
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "không được nhỏ hơn {ge}",
    "less_than": "phải nhỏ hơn {lt}",
    "less_than_equal": "không được lớn hơn {le}",
    "multiple_of": "phải là bội số của {multiple_of}",
    # lists and objects
    "list_type": "phải là danh sách",
    "tuple_type": "phải là danh sách",
    "too_short": "phải có ít nhất {min_length} mục",
    "too_long": "chỉ được có tối đa {max_length} mục",
    "dict_type": "phải là đối tượng JSON",
    "model_type": "phải là đối tượng JSON",
    "model_attributes_type": "phải là đối tượng JSON",
}


def in_vietnamese(error: Mapping[str, Any]) -> str:
    """A phrase without a full stop for one item of `ValidationError.errors()` (with its `ctx`, if it has one)."""
    context = dict(error.get("ctx") or {})
    if isinstance(context.get("expected"), str):
        context["expected"] = context["expected"].replace(" or ", " hoặc ")
    try:
        return _PHRASES.get(error["type"], _OTHER).format_map(context)
    except KeyError:  # called without its context
        return _OTHER
