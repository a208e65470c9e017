"""What MkDocs does besides: pages of files outside this folder, and no request to other hosts.

README.md is the home page. A file that a page links to elsewhere in the repository is part of the
site, too: Markdown as a page, anything else as it is. A folder is named, and no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
DOCUMENTS = "docs/"
TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_LOADED = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?https?://[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is linked outside the folder of documents."""
    waiting = [*TOP, *(f"{DOCUMENTS}{page.src_uri}" for page in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        source = waiting.pop()
        if source.endswith(".md"):
            text = (ROOT / source).read_text(encoding="utf-8")
            new = {path for path in _targets(text, source) if (ROOT / path).is_file()} - seen
            seen |= new
            waiting += new
        if source.startswith(DOCUMENTS):
            continue
        if source.endswith(".md"):
            files.append(File.generated(config, _address(source), content=_moved(text, source)))
        else:
            made = File.generated(config, _address(source), abs_src_path=str(ROOT / source))
            files.append(made)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a document to where their files are in the site."""
    del config, files
    generated = page.file.generated_by is not None
    return markdown if generated else _moved(markdown, f"{DOCUMENTS}{page.file.src_uri}")


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a page that loads anything from another host."""
    for page in Path(config.site_dir).rglob("*.html"):
        if found := _LOADED.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page.name} loads something from elsewhere: {found[0]}")


def _targets(text: str, source: str) -> Iterator[str]:
    for link in _LINK.finditer(text):
        yield _target(link["path"], source)


def _target(path: str, source: str) -> str:
    """Return the path, below the repository, of what a link in ``source`` leads to."""
    found = normpath(str(PurePosixPath(source).parent / path))
    page = f"{found}/report.html"  # of a folder with a report
    return page if (ROOT / page).is_file() else found


def _address(path: str) -> str:
    """Return where a file of the repository is in the site."""
    if path.startswith(DOCUMENTS):
        return path.removeprefix(DOCUMENTS)
    # Without a leading dot: MkDocs leaves such files out.
    return TOP.get(path) or "/".join(("files", *(part.lstrip(".") for part in path.split("/"))))


def _moved(text: str, source: str) -> str:
    here = PurePosixPath(_address(source)).parent

    def lead(link: re.Match[str]) -> str:
        target = _target(link["path"], source)
        if (ROOT / target).is_dir():
            return f"{link['text']} (`{target}`)" if target not in link["text"] else link["text"]
        return f"[{link['text']}]({relpath(_address(target), here)}{link['anchor'] or ''})"

    return _LINK.sub(lead, text)
