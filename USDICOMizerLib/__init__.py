"""USDICOMizerLib: prepares ultrasound DICOM exams for AI research, without Slicer, Qt or VTK.

The data flows one way: sources -> exam -> plan, proposals, readiness -> prepare (pixels, deidentify,
tags) -> archive. `python -m USDICOMizerLib --help` is the command line.
"""

__version__ = "0.1.0"
