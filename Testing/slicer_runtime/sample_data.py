"""The module `SampleData`: registering a data set, with the real signature."""

from __future__ import annotations

import sys
import types
from typing import Any

import slicer


class SampleDataSource(types.SimpleNamespace):
    """One data set."""


class SampleDataLogic:
    """Registers data sets in slicer.modules.sampleDataSources."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
        loadFileType: Any = None,
    ) -> None:
        source = SampleDataSource(
            sampleName=sampleName, uris=uris, customDownloader=customDownloader, thumbnailFileName=thumbnailFileName
        )
        sources = vars(slicer.modules).setdefault("sampleDataSources", {}).setdefault(category, [])
        if source not in sources:
            sources.append(source)


def install() -> None:
    """Make `import SampleData` work."""
    module = types.ModuleType("SampleData")
    module.SampleDataLogic, module.SampleDataSource = SampleDataLogic, SampleDataSource
    sys.modules["SampleData"] = module
