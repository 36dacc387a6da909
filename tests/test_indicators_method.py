"""The method that reports quote says what the code does, in both languages."""

import re
from pathlib import Path

import pytest

from sobre_collector.indicators import (
    baseline,
    collapse,
    privacy,
    reduction,
    stratum_total,
    total,
    trajectory,
)

METHOD = (Path(__file__).parents[1] / "docs" / "method.md").read_text(encoding="utf-8")
FRENCH, ENGLISH = METHOD.split("## In English")
BOTH = pytest.mark.parametrize("text", [FRENCH, ENGLISH], ids=["fr", "en"])


@BOTH
@pytest.mark.parametrize("module", [stratum_total, collapse, total], ids=lambda m: m.__name__)
def test_each_flag_and_method_of_a_total_is_explained(module: object, text: str) -> None:
    source = Path(getattr(module, "__file__", "")).read_text(encoding="utf-8")
    for flag in re.findall(r'"([a-z]+(?:-[a-z]+)+|ratio|census)"', source):
        assert f"`{flag}`" in text, flag


@BOTH
def test_each_convention_stands_in_the_text_with_its_value(text: str) -> None:
    for ratio in (
        collapse.ASSUMED_DEVICE_CV,
        collapse.ASSUMED_SITE_CV,
        baseline.MODELLED_HALF_WIDTH_RATIO,
        baseline.LEAST_CV_OF_SHARES,
        reduction.MAX_CV_OF_BASELINE,
        privacy.MAX_SHARE_RATIO,
    ):
        assert f"{ratio * 100:.0f} %" in text, ratio
    assert f"ν = {collapse.ASSUMED_DF:.0f}" in text
    assert f"± {trajectory.ON_PATH_MARGIN_RATIO * 100:.0f} point" in text


@BOTH
def test_both_languages_have_the_same_chapters(text: str) -> None:
    chapters = re.findall(r"^### (\d+)\.", text, re.MULTILINE)
    assert chapters == [str(n) for n in range(1, 13)]
