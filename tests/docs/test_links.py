# SPDX-License-Identifier: MIT
"""Links between the documents lead somewhere, and every document can be reached."""

from pathlib import Path

import pytest

from tests.docs.blocks import anchors, links, markdown_files
from tests.support import REPOSITORY

DOCUMENTS = markdown_files()


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_relative_links_exist(path: Path) -> None:
    broken: list[str] = []
    for link in links(path):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_document_is_linked_from_the_readme() -> None:
    readme = REPOSITORY / "README.md"
    reached = {(readme.parent / link.partition("#")[0]).resolve() for link in links(readme)}
    missing = [name(p) for p in DOCUMENTS if p.parent.name == "docs" and p not in reached]
    assert not missing
