"""Makes one paper, in a process of its own: `python -m control_api.reports.worker` reads a job, writes the file.

Typesetting and XML are seconds of work that hold the interpreter's lock, and a template that an office edited may loop:
so the control process starts this one, waits with a deadline and kills it.  Same job, same bytes: no clock, no random
number and no folder's order comes in.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Format = Literal["docx", "pdf", "png", "xlsx"]
Job = dict[str, Any]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_NICE = 10  # pictures and sound come first


def make(job: Job) -> bytes:
    """The file of a job (`render.Renderer` writes it)."""
    kind: Format = job["format"]
    if kind == "docx":
        return _docx(Path(job["template"]), job["context"])
    if kind == "xlsx":
        return _xlsx(job["context"]["sheets"], job["at"])
    return _typst(job, kind)


def _docx(template: Path, context: dict[str, Any]) -> bytes:
    from docxtpl import DocxTemplate
    from jinja2.sandbox import SandboxedEnvironment

    paper = DocxTemplate(template)
    paper.render(context, jinja_env=SandboxedEnvironment(autoescape=True), autoescape=True)
    made = io.BytesIO()
    paper.save(made)
    return repacked(made.getvalue())


def repacked(packed: bytes) -> bytes:
    """The same zip without the times and the order it was written in."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        first = ("[Content_Types].xml", "_rels/.rels")  # where readers look for them
        for name in sorted(old.namelist(), key=lambda name: (name not in first, name)):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 0, 0o600 << 16
            new.writestr(info, old.read(name))
    return made.getvalue()


def _typst(job: Job, kind: Literal["pdf", "png"]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="paper-") as folder:
        for path in [Path(part) for part in job["parts"]]:
            shutil.copyfile(path, Path(folder) / path.name)
        for name, content in job.get("files", {}).items():
            (Path(folder) / name).write_bytes(base64.b64decode(content))
        try:
            return _typeset(job, job["context"], kind, folder)
        except RuntimeError:
            if not job.get("files"):
                raise
            # A picture that cannot be read must not cost the paper: once more without them.
            return _typeset(job, {**job["context"], "stills": []}, kind, folder)


def _typeset(job: Job, context: dict[str, Any], kind: Literal["pdf", "png"], folder: str) -> bytes:
    import typst

    (Path(folder) / "data.json").write_text(json.dumps(context, ensure_ascii=False), encoding="utf-8")
    source = Path(folder) / Path(job["template"]).name
    arguments: dict[str, Any] = {"root": folder, "font_paths": job["fonts"], "ignore_system_fonts": True}
    if kind == "png":
        made = typst.compile(source, format="png", ppi=80, **arguments)
        first: bytes = made[0] if isinstance(made, list) else made
        return first
    fixed = {"pdf_standards": "a-2b", "timestamp": round(job["at"])}
    paper: bytes = typst.compile(source, format="pdf", **fixed, **arguments)
    return paper


def _xlsx(sheets: list[dict[str, Any]], at: float) -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    # Everything is written as what it is: a text that begins with "=" stays a text.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made, options) as book:
        book.set_properties({"created": datetime.fromtimestamp(at, UTC)})
        base = {"font_name": "Times New Roman", "font_size": 12, "valign": "vcenter"}
        title = book.add_format({**base, "bold": True, "font_size": 14})
        bold = {**base, "bold": True, "border": 1, "text_wrap": True}
        head = book.add_format({**bold, "align": "center", "bg_color": "#E3EFF9"})
        text = book.add_format({**base, "border": 1, "text_wrap": True})
        whole = book.add_format({**base, "border": 1, "num_format": "#,##0"})
        decimal = book.add_format({**base, "border": 1, "num_format": "#,##0.0"})
        for one in sheets:
            sheet = book.add_worksheet(one["name"][:31])
            sheet.set_landscape()
            sheet.set_paper(9)  # A4
            sheet.fit_to_pages(1, 0)
            sheet.write_string(0, 0, one["title"], title)
            for column, (name, width) in enumerate(one["columns"]):
                sheet.set_column(column, column, width)
                sheet.write_string(2, column, name, head)
            for line, row in enumerate(one["rows"], 3):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(line, column, value, text)
                    elif value is None:
                        sheet.write_blank(line, column, None, text)
                    else:
                        sheet.write_number(line, column, value, whole if isinstance(value, int) else decimal)
            sheet.freeze_panes(3, 0)
            sheet.repeat_rows(2)
            if one["rows"]:
                sheet.autofilter(2, 0, 2 + len(one["rows"]), len(one["columns"]) - 1)
    return made.getvalue()


def main() -> None:
    os.nice(_NICE)
    job = json.load(sys.stdin.buffer)
    sys.stdout.buffer.write(make(job))


if __name__ == "__main__":
    main()
