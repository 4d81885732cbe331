"""The module's own self-test, the sample exam in Sample Data, and the offer of codecs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import wait_until


@pytest.fixture
def cache(clean_application: Any, tmp_path: Path) -> Path:
    import slicer

    manager = slicer.vtkCacheManager()
    manager.SetRemoteCacheDirectory(str(tmp_path / "cache"))
    slicer.mrmlScene.SetCacheManager(manager)
    return tmp_path / "cache"


def test_the_self_test_runs_the_whole_job(module_widget: Any) -> None:
    import slicer

    home = os.environ["USDICOMIZER_HOME"]
    slicer.selfTests["USDICOMizer"](msec=0)
    assert os.environ["USDICOMIZER_HOME"] == home
    assert not list(Path(home).rglob("*.csv")), "the user's own linkage is not the self-test's"


def test_the_sample_exam_is_listed_once_the_application_has_started(module_widget: Any, cache: Path) -> None:
    import slicer

    slicer.app.startupCompleted.emit()
    (source,) = slicer.modules.sampleDataSources["USDICOMizer"]
    assert Path(source.thumbnailFileName).is_file()
    (path,) = source.customDownloader(source)
    assert Path(path).parent == cache
    wait_until(lambda: len(module_widget.panel.session.order) == 4)


def test_codecs_are_offered_until_they_are_installed(module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    installed = []
    monkeypatch.setattr(slicer.packaging, "pip_check", lambda _: bool(installed))
    monkeypatch.setattr(slicer.packaging, "pip_ensure", lambda wanted, requester: installed.extend(wanted))
    offer = module_widget.panel.codecs
    offer.install()
    assert {requirement.name for requirement in installed} >= {"imagecodecs", "jpeglib"}
    assert offer.button.isHidden()


@pytest.mark.parametrize(
    ("failure", "hidden"), [(RuntimeError("declined"), True), (subprocess.CalledProcessError(1, "pip"), False)]
)
def test_a_refusal_is_remembered_and_a_failure_is_not(
    module_widget: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception, hidden: bool
) -> None:
    import slicer
    from USDICOMizerGUI.codecs_offer import DECLINED, CodecsOffer

    def fail(*_: object, **__: object) -> None:
        raise failure

    said: list[str] = []
    monkeypatch.setattr(slicer.packaging, "pip_check", lambda _: False)
    monkeypatch.setattr(slicer.packaging, "pip_ensure", fail)
    section = module_widget.panel.ui.exportSection
    offer = CodecsOffer(section, module_widget.panel.codecs._requirements, said.append)
    assert not offer.button.isHidden()
    offer.install()
    assert offer.button.isHidden() is hidden
    assert "works without them" in said[-1]
    assert slicer.util.settingsValue(DECLINED, False, converter=slicer.util.toBool) is hidden
