"""Make the Word templates: `python -m control_api.reports.templates.build`.

The form is Nghị định 30/2020/NĐ-CP, phụ lục I: A4, margins 20/20/30/15–20 mm, Times New Roman 13, page number on top
from the second page.  The tags are docxtpl's.  Run it again after a change here and keep the `.docx` files with it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

from control_api.reports.worker import repacked

HERE = Path(__file__).resolve().parent
FONT = "Times New Roman"
_LEFT, _CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT

Columns = Sequence[tuple[str, str, float, Any]]  # title, key, width in mm, alignment


def new_paper(landscape: bool = False) -> Document:
    paper = docx.Document()
    style: Any = paper.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(13)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    style.paragraph_format.space_after = Pt(4)
    section = paper.sections[0]
    width, height = (Mm(297), Mm(210)) if landscape else (Mm(210), Mm(297))
    section.page_width, section.page_height = width, height
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = (Mm(20), Mm(15)) if landscape else (Mm(30), Mm(20))
    section.different_first_page_header_footer = True
    number = section.header.paragraphs[0]
    number.alignment = _CENTRE
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        _field(number, kind, text)
    paper.core_properties.author = ""
    paper.core_properties.title = ""
    return paper


def _field(paragraph: Paragraph, kind: str | None, text: str | None) -> None:
    run = paragraph.add_run()
    element = OxmlElement("w:fldChar" if kind else "w:instrText")
    if kind:
        element.set(qn("w:fldCharType"), kind)
    else:
        element.text = text
    run._r.append(element)


def write(
    where: Any, text: str, *, bold: bool = False, italic: bool = False, size: float = 13, align: Any = None
) -> Paragraph:
    """A paragraph in a document or a cell; an empty one there is used first."""
    empty = where.paragraphs[-1] if hasattr(where, "_tc") and not where.paragraphs[-1].text else None
    paragraph: Paragraph = empty if empty is not None else where.add_paragraph()
    run = paragraph.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)
    if align is not None:
        paragraph.alignment = align
    return paragraph


def underline(paragraph: Paragraph, side: float) -> None:
    """A thin line below, shorter than the text by `side` mm on both sides: an empty paragraph with a border."""
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    paragraph._p.get_or_add_pPr().append(borders)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Mm(side)
    paragraph.paragraph_format.space_after = Pt(2)


def head(paper: Document) -> None:
    table = paper.add_table(rows=2, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    left, right = table.rows[0].cells
    write(left, "{{ head.authority }}", size=12, align=_CENTRE)
    write(left, "{{ head.agency }}", bold=True, size=12, align=_CENTRE)
    underline(write(left, "", size=2, align=_CENTRE) if left.paragraphs[-1].text == "" else left.add_paragraph(), 20)
    write(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", bold=True, size=12, align=_CENTRE)
    write(right, "Độc lập - Tự do - Hạnh phúc", bold=True, align=_CENTRE)
    underline(right.add_paragraph(), 20)
    left, right = table.rows[1].cells
    write(left, "{{ head.number }}", align=_CENTRE)
    write(right, "{{ head.place_date }}", italic=True, align=_CENTRE)


def title(paper: Document, kind: str, about: str) -> None:
    write(paper, kind, bold=True, size=14, align=_CENTRE).paragraph_format.space_before = Pt(12)
    write(paper, about, bold=True, align=_CENTRE).paragraph_format.space_after = Pt(10)


def part(paper: Document, text: str) -> None:
    paragraph = write(paper, text, bold=True)
    paragraph.paragraph_format.space_before = Pt(8)
    paragraph.paragraph_format.keep_with_next = True


def facts(paper: Document, *pairs: str) -> None:
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        write(paper, f"- {name}: {{{{ {value} }}}}", align=WD_ALIGN_PARAGRAPH.JUSTIFY)


def paragraphs(paper: Document, loop: str, before: str = "") -> None:
    """One paragraph for each text of `loop`."""
    write(paper, f"{before}{{%p for text in {loop} %}}")
    write(paper, "{{ text }}", align=WD_ALIGN_PARAGRAPH.JUSTIFY).paragraph_format.first_line_indent = Mm(10)
    write(paper, "{%p endfor %}")


def rows(paper: Document, loop: str, columns: Columns, size: float = 11) -> None:
    table = paper.add_table(rows=4, cols=len(columns), style="Table Grid")
    table.autofit = False
    for index, (name, key, width, align) in enumerate(columns):
        for row in table.rows:
            row.cells[index].width = Mm(width)
        write(table.cell(0, index), name, bold=True, size=size, align=_CENTRE)
        write(table.cell(2, index), f"{{{{ row.{key} }}}}", size=size, align=align)
    write(table.cell(1, 0), f"{{%tr for row in {loop} %}}", size=size)
    write(table.cell(3, 0), "{%tr endfor %}", size=size)
    repeated = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    paper.add_paragraph().paragraph_format.space_after = Pt(0)


def signatures(paper: Document, left_title: str, right_title: str) -> None:
    table = paper.add_table(rows=1, cols=2)
    for cell, text in zip(table.rows[0].cells, (left_title, right_title), strict=True):
        write(cell, text, bold=True, align=_CENTRE)
        write(cell, "(Ký, ghi rõ họ tên)", italic=True, size=12, align=_CENTRE)
        for _ in range(4):
            cell.add_paragraph()


def recipients(where: Any) -> None:
    write(where, "Nơi nhận:", bold=True, italic=True, size=12)
    where.add_paragraph().add_run("{%p for one in recipients %}")
    paragraph = where.add_paragraph()
    run = paragraph.add_run("- {{ one }}")
    run.font.size = Pt(11)
    where.add_paragraph().add_run("{%p endfor %}")


def closing(paper: Document) -> None:
    table = paper.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    recipients(left)
    write(right, "{{ signer_position | upper }}", bold=True, align=_CENTRE)
    write(right, "(Ký tên, đóng dấu)", italic=True, size=12, align=_CENTRE)
    for _ in range(4):
        right.add_paragraph()
    right.add_paragraph().add_run("{{ signer }}").bold = True
    right.paragraphs[-1].alignment = _CENTRE


def minutes() -> Document:
    paper = new_paper()
    head(paper)
    title(paper, "BIÊN BẢN", "Vận hành phiên họp trực tuyến: {{ title }}")
    part(paper, "I. THÔNG TIN CHUNG")
    facts(
        paper,
        *("Cơ quan chủ trì", "host", "Lớp vận hành (Điều 9)", "class", "Mã phòng họp", "conference"),
        *("Thời gian đăng ký", "planned", "Thời gian bắt đầu", "began"),
        *("Thời gian kết thúc", "ended", "Tổng duyệt kịch bản", "rehearsal"),
        *("Điểm cầu chính", "main_site", "Chủ trì", "chair"),
        *("Thành phần tham dự tại điểm cầu chính", "attendees", "Số điểm cầu có mặt", "count"),
        *("Điểm cầu vắng", "missing"),
    )
    part(paper, "II. ĐIỂM DANH VÀ THAM DỰ")
    rows(
        paper,
        "sites",
        (
            *(("TT", "n", 9, _CENTRE), ("Điểm cầu", "name", 42, _LEFT), ("Vai trò", "role", 16, _CENTRE)),
            *(("Điểm danh", "result", 24, _LEFT), ("Lúc", "called", 16, _CENTRE), ("Kết nối", "came", 16, _CENTRE)),
            *(("Rời", "went", 16, _CENTRE), ("Có mặt", "stayed", 16, _CENTRE), ("Rớt", "losses", 10, _CENTRE)),
        ),
        size=10,
    )
    part(paper, "III. CHẤT LƯỢNG KẾT NỐI")
    rows(
        paper,
        "quality",
        (
            *(("TT", "n", 9, _CENTRE), ("Điểm cầu", "name", 38, _LEFT), ("Điểm", "score", 12, _CENTRE)),
            *(("Tốt", "good", 14, _CENTRE), ("Trung bình", "fair", 14, _CENTRE), ("Kém", "bad", 12, _CENTRE)),
            *(("Mất", "lost", 12, _CENTRE), ("Mất gói", "loss", 14, _CENTRE), ("Độ trễ", "rtt", 16, _CENTRE)),
            ("Nhận xét", "remark", 24, _LEFT),
        ),
        size=10,
    )
    write(paper, "{{ floor }}")
    part(paper, "IV. SỰ CỐ VÀ KẾT QUẢ XỬ LÝ")
    write(paper, "{%p if incidents_none %}")
    write(paper, "{{ incidents_none }}")
    write(paper, "{%p else %}")
    rows(
        paper,
        "incidents",
        (
            *(("TT", "n", 9, _CENTRE), ("Lúc", "at", 18, _CENTRE), ("Điểm cầu", "site", 38, _LEFT)),
            *(("Nội dung", "text", 60, _LEFT), ("Kết quả", "outcome", 35, _LEFT)),
        ),
    )
    write(paper, "{{ incidents_more }}")
    write(paper, "{%p endif %}")
    write(paper, "{%p if notes %}")
    part(paper, "Ghi chú trong nhật ký")
    rows(
        paper,
        "notes",
        (("Lúc", "at", 20, _CENTRE), ("Người ghi", "by", 30, _LEFT), ("Nội dung", "text", 110, _LEFT)),
    )
    write(paper, "{%p endif %}")
    part(paper, "V. ĐÁNH GIÁ")
    write(paper, "{%p if evaluation_none %}")
    write(paper, "{{ evaluation_none }}")
    write(paper, "{%p else %}")
    rows(
        paper,
        "evaluation",
        (
            *(("TT", "n", 9, _CENTRE), ("Nội dung", "criterion", 50, _LEFT), ("Phạm vi", "about", 34, _LEFT)),
            *(("Điểm", "score", 22, _CENTRE), ("Nhận xét", "remark", 45, _LEFT)),
        ),
    )
    facts(paper, "Điểm trung bình", "score", "Người đánh giá", "evaluator", "Xác nhận", "signed")
    write(paper, "- Nhận xét chung:")
    paragraphs(paper, "evaluation_remark")
    write(paper, "- Đề xuất:")
    paragraphs(paper, "proposal")
    write(paper, "{%p endif %}")
    part(paper, "VI. NHẬT KÝ")
    write(paper, "{{ journal }}")
    write(paper, "{{ journal_hash }}", size=10)
    signatures(paper, "{{ writer }}", "{{ chairman }}")
    recipients(paper)
    return paper


def summary() -> Document:
    paper = new_paper(landscape=True)
    head(paper)
    title(paper, "BẢNG TỔNG HỢP KẾT QUẢ KIỂM TRA KỸ THUẬT", "{{ title }}")
    facts(paper, "Cơ quan chủ trì", "host", "Thời gian phiên họp", "planned", "Thời gian chạy thử", "trial")
    facts(paper, "Kết quả", "count")
    rows(
        paper,
        "sites",
        (
            *(("TT", "n", 8, _CENTRE), ("Điểm cầu", "name", 30, _LEFT), ("Tiếng đi", "sound_out", 14, _CENTRE)),
            *(("Tiếng về", "sound_in", 14, _CENTRE), ("Hình đi", "picture_out", 14, _CENTRE)),
            *(("Hình về", "picture_in", 14, _CENTRE), ("Đường truyền", "line", 26, _LEFT)),
            *(("Thiết bị", "device", 14, _CENTRE), ("Lãnh đạo dự họp", "leader", 24, _LEFT)),
            *(
                ("Người vận hành (họ tên, chức vụ, điện thoại)", "operator", 32, _LEFT),
                ("Kết luận", "verdict", 16, _CENTRE),
            ),
            *(("Lý do, ghi chú", "remark", 34, _LEFT), ("Người kiểm tra, thời gian", "tester", 22, _LEFT)),
        ),
        size=9,
    )
    signatures(paper, "NGƯỜI TỔNG HỢP", "{{ chairman }}")
    recipients(paper)
    return paper


def yearly() -> Document:
    paper = new_paper()
    head(paper)
    title(paper, "BÁO CÁO", "{{ about }}")
    write(paper, "{{ opening }}", align=WD_ALIGN_PARAGRAPH.JUSTIFY).paragraph_format.first_line_indent = Mm(10)
    part(paper, "I. SỐ LIỆU TRONG KỲ ({{ period }})")
    rows(
        paper, "figures", (("TT", "n", 12, _CENTRE), ("Chỉ tiêu", "name", 108, _LEFT), ("Số liệu", "value", 40, _RIGHT))
    )
    write(paper, "{%p for one in sections %}")
    part(paper, "{{ one.title }}")
    paragraphs(paper, "one.texts")
    write(paper, "{%p endfor %}")
    write(paper, "{{ end }}", align=WD_ALIGN_PARAGRAPH.JUSTIFY).paragraph_format.first_line_indent = Mm(10)
    closing(paper)
    return paper


def rollup() -> Document:
    paper = new_paper(landscape=True)
    head(paper)
    title(paper, "BÁO CÁO", "{{ about }}")
    write(paper, "{{ opening }}", align=WD_ALIGN_PARAGRAPH.JUSTIFY).paragraph_format.first_line_indent = Mm(10)
    write(paper, "{%p for one in parts %}")
    part(paper, "{{ one.title }}")
    paragraphs(paper, "one.texts")
    write(paper, "{%p endfor %}")
    part(paper, "BẢNG TỔNG HỢP THEO CƠ QUAN, ĐƠN VỊ")
    # As many columns as the report has: docxtpl repeats the cell.
    table = paper.add_table(rows=4, cols=3, style="Table Grid")
    for row, kind in ((0, "column.title"), (2, "row[column.key]")):
        write(table.cell(row, 0), "{%tc for column in columns %}", size=9)
        write(table.cell(row, 1), f"{{{{ {kind} }}}}", size=9, bold=row == 0, align=_CENTRE)
        write(table.cell(row, 2), "{%tc endfor %}", size=9)
    write(table.cell(1, 0), "{%tr for row in rows %}", size=9)
    write(table.cell(3, 0), "{%tr endfor %}", size=9)
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    paper.add_paragraph()
    closing(paper)
    return paper


def main(folder: Path = HERE) -> None:
    for name, make in (("minutes", minutes), ("summary", summary), ("yearly", yearly), ("rollup", rollup)):
        made = io.BytesIO()
        make().save(made)
        (folder / f"{name}.docx").write_bytes(repacked(made.getvalue()))


if __name__ == "__main__":
    main()
