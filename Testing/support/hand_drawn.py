"""Where the picture lies in the real ultrasound files, drawn by hand on the pictures of their frames, before any detector.

A box holds all that the probe saw, with its dim parts; it was drawn on the brightest value of each pixel over the cine,
dark values spread. Two pixels more or less on a side are as right.
"""

from __future__ import annotations

from USDICOMizerLib.geometry import CropBox

PICTURES: dict[str, CropBox] = {
    "examples_ybr_color.dcm": CropBox(42, 22, 299, 202),
    "examples_palette.dcm": CropBox(170, 67, 750, 350),
    "examples_jpeg2k.dcm": CropBox(14, 108, 623, 338),
    "examples_rgb_color.dcm": CropBox(7, 54, 311, 169),
    "ExplVR_BigEnd.dcm": CropBox(0, 0, 80, 60),  # nothing but a part of a picture
    "OBXXXX1A_2frame.dcm": CropBox(126, 67, 795, 517),
    "OBXXXX1A_rle_2frame.dcm": CropBox(126, 67, 795, 517),
    "OBXXXX1A_expb_2frame.dcm": CropBox(126, 67, 795, 517),
    "US1_UNCI.dcm": CropBox(14, 108, 623, 338),
    "US1_J2KI.dcm": CropBox(14, 108, 623, 338),
    "gdcm-US-ALOKA-16.dcm": CropBox(32, 24, 640, 416),  # dual
    "gdcm-US-ALOKA-16_big.dcm": CropBox(32, 24, 640, 416),
    "color3d_jpeg_baseline.dcm": CropBox(84, 44, 598, 403),
    "JPGLosslessP14SV1_1s_1f_8b.dcm": CropBox(137, 128, 905, 660),
    "GREYSCALE_IMAGE.dcm": CropBox(127, 90, 897, 709),
    "GREYSCALE_CINE.zip": CropBox(100, 70, 700, 554),
    "RGB_IMAGE.dcm": CropBox(15, 62, 993, 764),
    "RGB_CINE.zip": CropBox(153, 62, 710, 648),
    "ultrasound-multiframe.dcm": CropBox(70, 80, 752, 556),
}

# Boxes of text that identifies: the patient, the hospital, the day. What the real files still show of it.
IDENTIFYING: dict[str, tuple[CropBox, ...]] = {
    "examples_palette.dcm": (CropBox(0, 0, 800, 60),),
    "examples_jpeg2k.dcm": (CropBox(18, 24, 175, 58),),
    "examples_rgb_color.dcm": (CropBox(9, 12, 86, 29),),
    "OBXXXX1A_2frame.dcm": (CropBox(0, 0, 800, 60),),
    "OBXXXX1A_rle_2frame.dcm": (CropBox(0, 0, 800, 60),),
    "OBXXXX1A_expb_2frame.dcm": (CropBox(0, 0, 800, 60),),
    "US1_UNCI.dcm": (CropBox(18, 24, 175, 58),),
    "US1_J2KI.dcm": (CropBox(18, 24, 175, 58),),
    "gdcm-US-ALOKA-16.dcm": (CropBox(70, 0, 640, 24),),
    "gdcm-US-ALOKA-16_big.dcm": (CropBox(70, 0, 640, 24),),
    "GREYSCALE_IMAGE.dcm": (CropBox(0, 0, 1024, 23),),
    "GREYSCALE_CINE.zip": (CropBox(0, 0, 800, 18),),
    "RGB_IMAGE.dcm": (CropBox(0, 0, 900, 56),),
    "RGB_CINE.zip": (CropBox(0, 0, 1016, 52),),
}
