"""The pages in a real browser, on a phone and on a desktop, by day and by night.

Without Chromium these tests are skipped; with PISTE_REQUIRE_BROWSER=1 in the environment they fail instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from piste.report.comparison import write_comparison
from piste.report.page import write_report

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip
SIZES = {"phone": 390, "desktop": 1280}

# Every text with its colour and what is behind it, as WCAG 2 contrast; photographs and what lies on them left out.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = rgba(getComputedStyle(node).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba(matchMedia("(prefers-color-scheme: dark)").matches ? "black" : "white");
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const colour = rgba(node.closest("svg") ? style.fill : style.color);
    const lights = [light(colour), light(behind(node))].sort((a, b) => b - a);
    found.push([walker.currentNode.textContent.trim().slice(0, 40), (lights[0] + 0.05) / (lights[1] + 0.05)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    required = os.environ.get("PISTE_REQUIRE_BROWSER") == "1"
    path = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if path is None:
        (pytest.fail if required else pytest.skip)("no Chromium on this machine; PISTE_REQUIRE_BROWSER=1 demands one")
    playwright = (
        pytest.importorskip("playwright.sync_api") if not required else __import__("playwright.sync_api").sync_api
    )
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(cycle, plain, killed, failed, digits, sharp, tmp_path_factory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("comparison")
    return {
        "finished": write_report(cycle),
        "unfinished": write_report(killed),
        "failed": write_report(failed),
        "digits": write_report(digits),
        "sharpened": write_report(sharp),
        "comparison": write_comparison([cycle, plain], out / "two"),
        "comparison of three": write_comparison([cycle, plain, killed], out / "three"),
    }


@pytest.fixture(params=["finished", "unfinished", "failed", "digits", "sharpened", "comparison", "comparison of three"])
def address(request, pages) -> str:
    return pages[request.param].as_uri()


@pytest.fixture(scope="module")
def visit(browser) -> Iterator[Callable[..., tuple[Any, list[str]]]]:
    """Opens a page with everything unfolded; gives it, and what it complained about or asked the network for."""
    opened: dict[tuple[str, str, str], tuple[Any, list[str]]] = {}

    def open_page(address: str, size: str, scheme: str = "light") -> tuple[Any, list[str]]:
        if (address, size, scheme) in opened:
            return opened[address, size, scheme]
        context = browser.new_context(viewport={"width": SIZES[size], "height": 800}, color_scheme=scheme)
        page = context.new_page()
        troubles: list[str] = []

        def on_console(message: Any) -> None:
            if message.type in ("error", "warning"):
                troubles.append(message.text)

        def on_request(request: Any) -> None:
            if request.url != address and not request.url.startswith("data:"):
                troubles.append(request.url[:80])

        page.on("console", on_console)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", on_request)
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        opened[address, size, scheme] = page, troubles
        return page, troubles

    yield open_page
    for page, _ in opened.values():
        page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_scrolls_sideways_nothing_is_asked_for_nothing_complains(visit, address, size):
    page, troubles = visit(address, size)
    width = page.evaluate("document.documentElement.scrollWidth")
    wide = page.evaluate(
        "limit => [...document.querySelectorAll('main *')]"
        ".filter(e => e.getBoundingClientRect().right > limit + 1 && !e.closest('.scroll, pre, svg'))"
        ".map(e => e.outerHTML.slice(0, 80))",
        SIZES[size],
    )
    assert (width, wide, troubles) == (SIZES[size], [], [])


@pytest.mark.parametrize("size", SIZES)
def test_every_picture_is_there_and_told_in_words(visit, address, size):
    page, _ = visit(address, size)
    broken = page.evaluate(
        "[...document.images].filter(i => !i.naturalWidth || !i.alt.trim()).map(i => i.outerHTML.slice(0, 80))"
    )
    untold = page.evaluate(
        "[...document.querySelectorAll('svg, [role=img]')]"
        ".filter(e => !(e.getAttribute('aria-label') || '').trim()).length"
    )
    shown = page.evaluate("[...document.querySelectorAll('.fig svg')].filter(e => e.getClientRects().length).length")
    figures = page.evaluate("document.querySelectorAll('.fig').length")
    assert (broken, untold) == ([], 0)
    assert shown == figures > 0


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_all_text_stands_out_by_day_and_by_night(visit, address, size, scheme):
    page, _ = visit(address, size, scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 20
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < 4.3] == []


def test_night_is_dark_and_day_is_light(visit, pages):
    grounds = {}
    for scheme in ("light", "dark"):
        page, _ = visit(pages["finished"].as_uri(), "phone", scheme)
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = {scheme: sum(map(int, ground[4:-1].split(","))) / 3 for scheme, ground in grounds.items()}
    assert brightness["light"] > 240
    assert brightness["dark"] < 40


@pytest.mark.parametrize("size", SIZES)
def test_text_in_figures_can_be_read(visit, address, size):
    page, _ = visit(address, size)
    sizes = page.evaluate(
        "[...document.querySelectorAll('.fig svg')].filter(e => e.getClientRects().length).flatMap(svg => {"
        "  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;"
        "  return [...svg.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize) * scale) })"
    )
    assert sizes
    assert min(sizes) > 9.5
