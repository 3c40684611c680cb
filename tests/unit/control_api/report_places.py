"""An office for papers, and what is written in a file of Word."""

from __future__ import annotations

import io

import docx

from control_api.reports.paper import Office

SO = Office("UBND tỉnh Bắc Ninh", "Sở Khoa học và Công nghệ", "SKHCN", "Bắc Ninh")


def words_of(paper: bytes) -> str:
    """All text, cells of tables too, one line a paragraph."""
    body = docx.Document(io.BytesIO(paper)).element.body
    paragraphs = (one for one in body.iter() if one.tag.endswith("}p"))
    return "\n".join("".join(t.text or "" for t in one.iter() if t.tag.endswith("}t")) for one in paragraphs)
