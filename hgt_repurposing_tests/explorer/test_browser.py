"""The explorer in a real browser: what a person does with it, at a desk and on a phone, without any script."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from hgt_repurposing_tests.explorer.folders import TOP

ROOT = Path(__file__).parents[2]
CHROMIUM, DRIVER = "chromium", "chromedriver"
INSTALL = "this test drives Debian's Chromium: apt-get install -y chromium chromium-driver"
PATIENCE = 60
"""Seconds; loading the model takes a few on a busy machine."""
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an explorer that the command serves."""
    said = (tmp_path_factory.mktemp("served") / "said").open("w+")
    command = [sys.executable, "-m", "hgt_repurposing.cli", "explore", "--port", "0", "--data", str(whole)]
    with said, subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as process:  # noqa: S603
        try:
            yield _address(Path(said.name), process)
        finally:
            process.terminate()


def _address(said: Path, process: "subprocess.Popen[bytes]") -> str:
    for _ in range(PATIENCE * 10):
        found = [word for word in said.read_text().split() if word.startswith("http://")]
        if found:
            return found[0]
        assert process.poll() is None, said.read_text()
        time.sleep(0.1)
    raise AssertionError(f"no address after {PATIENCE} s: {said.read_text()}")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Headless Chromium that keeps its downloads in `downloads`; with CI=true it must be there."""
    binary, driver = shutil.which(CHROMIUM), shutil.which(DRIVER)
    if not (binary and driver):
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.add_experimental_option(
        "prefs",
        {
            "download.default_directory": str(tmp_path / "downloads"),
            "profile.managed_default_content_settings.javascript": 2,  # the pages have none and must not need it
        },
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    try:
        found.set_window_size(1280, 900)
        yield found
    finally:
        found.quit()


def link(browser: webdriver.Chrome, text: str) -> WebElement:
    return browser.find_element(By.PARTIAL_LINK_TEXT, text)


def names(browser: webdriver.Chrome) -> list[str]:
    return [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "tbody th a")]


def emulate(browser: webdriver.Chrome, command: str, **arguments: Any) -> None:
    """Any: JSON values of Chromium's protocol."""
    browser.execute_cdp_cmd(f"Emulation.{command}", arguments)


def width_of_page(browser: webdriver.Chrome) -> int:
    size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    return int(size["width"])


def patient(browser: webdriver.Chrome) -> "WebDriverWait[webdriver.Chrome]":
    """Waits; a page may be replaced by the next one while it is looked at."""
    return WebDriverWait(browser, PATIENCE, ignored_exceptions=[StaleElementReferenceException, NoSuchElementException])


def test_a_person_finds_a_disease_sorts_opens_a_pair_sees_a_path_downloads_and_goes_back(
    address: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    wait = patient(browser)

    # finds a disease, by keyboard
    browser.get(address)
    search = browser.switch_to.active_element
    assert search.get_attribute("aria-label") == "Drug or disease, name or id"
    search.send_keys("disease aaab", Keys.ENTER)
    wait.until(lambda _: browser.find_element(By.TAG_NAME, "h1").text == "disease aaab")
    wait.until(lambda _: len(names(browser)) == TOP)
    by_rank = names(browser)

    # sorts
    browser.find_element(By.LINK_TEXT, "drug").click()
    wait.until(lambda _: names(browser) == sorted(by_rank))
    assert browser.find_element(By.CSS_SELECTOR, "th[aria-sort]").get_attribute("aria-sort") == "ascending"

    # downloads what is shown
    link(browser, "Download as CSV").click()
    wait.until(lambda _: list((tmp_path / "downloads").glob("*.csv")))
    (file,) = (tmp_path / "downloads").glob("*.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + TOP
    assert "For research use only" in lines[1]

    # opens a pair, and waits for its explanation, which the page looks for itself
    browser.find_element(By.LINK_TEXT, by_rank[0]).click()
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "svg.paths .way"))
    wait.until(lambda _: browser.find_element(By.TAG_NAME, "h1").text == f"{by_rank[0]} for disease aaab")

    # sees a path, from the drug on the left to the disease on the right
    drug, disease = (browser.find_element(By.CSS_SELECTOR, f"svg.paths g.{side} rect") for side in ("drug", "disease"))
    assert drug.rect["x"] < disease.rect["x"]
    assert drug.size["width"] > 50
    assert by_rank[0] in browser.find_element(By.CSS_SELECTOR, ".path-list li").text

    # goes back
    browser.back()
    wait.until(lambda _: names(browser) == sorted(by_rank))

    # nothing was refused by the page's own rules, nor missing
    said = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
    assert said == []


@pytest.mark.parametrize("page", ["/", "/disease?id=0001", "/pair?drug=0004&disease=0004", "/evaluation", "/map"])
def test_a_page_fits_a_phone(address: str, browser: webdriver.Chrome, page: str) -> None:
    emulate(browser, "setDeviceMetricsOverride", **PHONE)
    browser.get(address + page)
    patient(browser).until(lambda _: "on its way" not in browser.page_source)
    assert width_of_page(browser) <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(address: str, browser: webdriver.Chrome, scheme: str) -> None:
    emulate(browser, "setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.get(address)
    body, soft = browser.find_element(By.TAG_NAME, "body"), browser.find_element(By.CSS_SELECTOR, ".lead")
    ground = _luminance(body.value_of_css_property("background-color"))
    for element in (body, soft, browser.find_element(By.CSS_SELECTOR, "tbody a")):
        text = _luminance(element.value_of_css_property("color"))
        assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5
    assert (ground < 0.1) == (scheme == "dark")


def _luminance(colour: str) -> float:
    """Relative luminance of `rgba(r, g, b, a)`, as WCAG defines it."""
    channels = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
