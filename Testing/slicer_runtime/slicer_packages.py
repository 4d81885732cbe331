"""`slicer.i18n` and `slicer.packaging`: same signatures as Slicer 5.12; nothing is ever installed."""

from __future__ import annotations

import sys
import types
from importlib import metadata
from pathlib import Path
from typing import Any

import slicer
from packaging.requirements import Requirement


def load_requirements(path: str | Path) -> list[Requirement]:
    """The requirements of a requirements file."""
    lines = (line.split("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def _list(requirements: Any) -> list[Requirement]:
    if isinstance(requirements, str):
        requirements = requirements.split()
    if isinstance(requirements, Requirement):
        requirements = [requirements]
    return [item if isinstance(item, Requirement) else Requirement(item) for item in requirements]


def pip_check(requirements: Any) -> bool:
    """Whether the requirements are installed."""
    for requirement in _list(requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            if not requirement.specifier.contains(metadata.version(requirement.name)):
                return False
        except metadata.PackageNotFoundError:
            return False
    return True


# What was asked to be installed, and the user's answer to the question.
asked: list[list[str]] = []
answer = True


def pip_ensure(
    requirements: Any,
    constraints: str | Path | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Records what is missing; RuntimeError when the user declines, as in Slicer."""
    missing = [str(requirement) for requirement in _list(requirements) if not pip_check(requirement)]
    if missing:
        asked.append(missing)
        if not answer:
            raise RuntimeError("User declined the installation")
    return None if skip_packages is None else []


def install() -> None:
    """Make both importable."""
    texts = types.ModuleType("slicer.i18n")
    texts.tr, texts.translate = (lambda text: text), (lambda context, text: text)
    packages = types.ModuleType("slicer.packaging")
    for function in (load_requirements, pip_check, pip_ensure):
        setattr(packages, function.__name__, function)
    for module in (texts, packages):
        sys.modules[module.__name__] = module
        setattr(slicer, module.__name__.split(".")[-1], module)
