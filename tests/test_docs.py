"""The docs: they build strictly, fetch nothing, and what they show is what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from piste.losses import catalogue
from piste.losses.contract import PROMISES
from piste.metrics.names import metric_names
from piste.objective.recipe import resolve

ROOT = Path(__file__).parents[1]
PAGES = {page.name: page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}
CLASSES = ["background", "lake"]


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (name, block) for name, text in PAGES.items() for block in re.findall(rf"```{language}\n(.*?)```", text, re.S)
    ]


@pytest.mark.parametrize(("page", "block"), blocks("python"))
def test_python_is_a_doctest_or_an_example_that_is_run(page: str, block: str) -> None:
    included = re.fullmatch(r'--8<-- "(examples/\w+\.py)"\n', block)
    if included:
        name = Path(included[1]).stem
        assert (ROOT / "tests" / "examples" / f"test_{name}.py").exists()
    else:
        assert block.startswith(">>> ")
        assert block.endswith("\n\n"), "a doctest ends at an empty line, or else reads the fence as its output"


@pytest.mark.parametrize(("page", "block"), blocks("yaml"))
def test_losses_in_yaml_are_recipes(page: str, block: str, tmp_path: Path) -> None:
    included = re.fullmatch(r'--8<-- "(src/piste/recipes/\w+\.yaml)"\n', block)
    if included:
        assert (ROOT / included[1]).exists()
        return
    (tmp_path / "my_loss.py").write_text("def my_loss(logits, target):\n    return logits.mean()\n")
    [[key, section]] = yaml.safe_load(block).items()
    assert key == "loss"
    metrics = metric_names(CLASSES, 0)
    assert resolve(
        section, task="segmentation", activation="softmax", class_names=CLASSES, metrics=metrics, folder=tmp_path
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr.strip(), done.stderr
    return folder


@pytest.mark.slow
def test_every_loss_has_a_page_with_a_plot_or_a_reason(site: Path) -> None:
    listed = (site / "losses" / "index.html").read_text("utf-8")
    for name, spec in catalogue().items():
        page = (site / "losses" / f"{name}.html").read_text("utf-8")
        assert ('<figure class="plot">' in page) != ("No picture of one number against another" in page)
        assert f'id="piste.losses.{spec.cls.__name__}"' in page
        assert f'href="{name}.html"' in listed


@pytest.mark.slow
def test_the_contract_lists_every_promise(site: Path) -> None:
    contract = (site / "contract.html").read_text("utf-8").lower()
    assert all(name.replace("_", " ") in contract for name in PROMISES)


@pytest.mark.slow
def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r'<(?:script|img|iframe)[^>]*src="?https?:', text), page
        assert not re.search(r"<link[^>]*href=\"?https?:(?![^>]*rel=\"?(?:canonical|license))", text), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?https?:", sheet.read_text("utf-8")), sheet


@pytest.mark.slow
def test_formulas_stand_on_their_page_as_they_stand_in_the_code(site: Path) -> None:
    page = (site / "losses" / "focal.html").read_text("utf-8")
    assert "-alpha_t (1 - p_t)^gamma log p_t" in page
    assert "(3/4)^2 * -ln 1/4" in page.replace("&#42;", "*")
