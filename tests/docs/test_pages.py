"""Every block of the README and of the pages runs as it stands, and prints what the page says that it prints."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import jaxsim
from jaxsim.cli.main import COMMANDS
from jaxsim.study import optimise_schema, schema

REPOSITORY = Path(jaxsim.__file__).parent.parent
DOCS = REPOSITORY / "docs"
CHEAP = ("README.md", "docs/developers/packaging.md", "docs/developers/adding.md")  # the others take minutes together
WRITTEN = sorted(
    str(path.relative_to(REPOSITORY))
    for path in (REPOSITORY / "README.md", *DOCS.rglob("*.md"))
    if "_build" not in path.parts and "generated" not in path.parts and "{code-cell}" not in path.read_text()
)
NOTEBOOKS = sorted(path for path in (*(DOCS / "tutorials").glob("*.md"), DOCS / "gallery.md") if path.stem != "index")


def loaded(name):
    """One of the modules that build the site."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


blocks = loaded("blocks")
PAGES = [page for page in WRITTEN if any(not b.skipped for b in blocks.blocks_of((REPOSITORY / page).read_text()))]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=() if page in CHEAP else pytest.mark.slow) for page in PAGES]
)
def test_blocks_print_what_the_page_says(page):
    assert blocks.differences(REPOSITORY / page) == []


@pytest.mark.parametrize("page", WRITTEN)
def test_skipped_blocks_say_why(page):
    for block in blocks.blocks_of((REPOSITORY / page).read_text()):
        assert not block.skipped or block.skipped in blocks.REASONS, f"{page}, line {block.line}: {block.skipped}"
        assert block.skipped or block.output is None or block.output.strip() != "...", f"{page}, line {block.line}"


def test_a_wrong_output_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint('mean', 0.30)\n```\n\n```text\nmean 0.40\n```\n")
    assert "instead of" in blocks.differences(page)[0]
    page.write_text("```python\nx = 2\n```\n\nand\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n")
    assert blocks.differences(page) == []
    page.write_text("# x\n\n```bash\nfalse\n```\n")
    with pytest.raises(RuntimeError, match="the block of line 3 fails"):
        blocks.differences(page)


def test_the_readme_is_short_and_keeps_its_table():
    text = (REPOSITORY / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    assert (
        text.count("<!-- benchmark table: python -m benchmarks.speed.table")
        == text.count("<!-- benchmark table end -->")
        == 1
    )
    for image in re.findall(r"!\[[^]]+\]\(([^)]+)\)", text):
        assert (REPOSITORY / image).stat().st_size < 120_000
    for link in re.findall(r"(?<!!)\[[^]]+\]\((?!http)([^)#]+)", text):
        assert (REPOSITORY / link).exists(), link


def test_generated_pages_hold_every_name_command_and_key(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    loaded("generate").write(tmp_path)
    text = "\n".join(path.read_text() for path in sorted(tmp_path.iterdir()))
    for name in set(jaxsim.__all__) - {"__version__", "models"}:
        assert re.search(rf"^\.\. auto\w+:: jaxsim\.({name}\.)?{name}$", text, re.MULTILINE), name
    for name in jaxsim.models.__all__:
        assert re.search(rf"^\.\. auto\w+:: jaxsim\.models\.{name}$", text, re.MULTILINE), name
    for command in COMMANDS:
        assert f"\n## jaxsim {command}\n" in text
    for section in (
        schema.StudyFile,
        schema.Simulation,
        schema.Stop,
        optimise_schema.SearchSection,
        optimise_schema.FreeNumber,
    ):
        for key in section.__struct_fields__:
            assert f"| `{key}` |" in text, key


def test_every_key_of_a_file_has_a_meaning(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    generate = loaded("generate")
    for top in (schema.StudyFile, optimise_schema.ChosenFile):
        text = generate.file_page(top, "", "")
        assert re.findall(r"^\| `(\w+)` \|.*\|\s*\|$", text, re.MULTILINE) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tutorials_are_notebooks_that_end_in_a_figure(path):
    text = path.read_text()
    assert text.startswith("---\nfile_format: mystnb\nkernelspec:")
    assert re.search(r"plt\.subplots|plot_\w+\(", text)
