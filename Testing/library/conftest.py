"""What the library's tests share: instances as found in an input, without files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from USDICOMizerLib.exam import Instance, Patient, Source


@pytest.fixture(scope="session")
def make_instance(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Instance]:
    """A function that makes an ultrasound instance of 640 x 480 pixels, with what the caller says otherwise."""

    folder = tmp_path_factory.mktemp("exam")

    def make(number: int = 1, **facts: object) -> Instance:
        uid = f"1.2.826.0.1.3680043.8.498.{number}"
        known = {
            "source": Source(folder / f"{number}.dcm"),
            "identity": uid,
            "sop_instance_uid": uid,
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.6.1",
            "study_uid": "1.2.826.0.1.3680043.8.498.100",
            "series_uid": "1.2.826.0.1.3680043.8.498.101",
            "patient": Patient("P-1"),
            "modality": "US",
            "transfer_syntax": "1.2.840.10008.1.2.1",
            "series_number": 1,
            "instance_number": number,
            "acquired": "",
            "rows": 480,
            "columns": 640,
            "frames": 1,
            "photometric_interpretation": "RGB",
            "has_pixel_data": True,
        }
        instance = Instance(**(known | facts))
        if instance.source.path.parent == folder and not instance.source.path.exists():
            instance.source.path.write_text(f"content {number}")  # a review is about a content
        return instance

    return make
