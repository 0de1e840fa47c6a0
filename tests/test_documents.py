"""What the documents name is there: files, links, metrics, and the same sections in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(str(file.relative_to(ROOT)) for file in [*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_FILE = re.compile(r"`((?:protocols|devices|ebcd|simulators|tests|config|docs)/[\w/.-]+\.\w+)`")
_METRIC = re.compile(r"""(?:Counter|Gauge|Histogram|MetricFamily|_by_state)\(\s*"(ebcd_[a-z_]+)\"""")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    folder = (ROOT / document).parent
    assert [link for link in _LINK.findall(text) if not (folder / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_named_in_a_document_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = {file for file in _FILE.findall(text) if "NAME" not in file}
    assert sorted(file for file in named if not (ROOT / file).exists()) == []


def test_both_readmes_have_the_same_sections() -> None:
    shapes = []
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        tables = sum(line.startswith("|---") for line in plain.splitlines())
        shapes.append((re.findall(r"^#+ ", plain, re.MULTILINE), text.count("```"), tables, text.count("\n- ")))
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_no_machine(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert re.findall(r"(?:/home|/work|/root|/Users)/\S*|https?://(?!127\.0\.0\.1|…)\S*", text) == []


def test_every_metric_is_explained() -> None:
    sources = [file.read_text(encoding="utf-8") for file in (ROOT / "ebcd").rglob("*.py")]
    metrics = {name for source in sources for name in _METRIC.findall(source)}
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert sorted(name for name in metrics if f"`{name}`" not in page and f"`{name}_total`" not in page) == []
