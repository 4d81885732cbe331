"""Habits that the application refuses and a stand-in can't see, found in a module's source with Python's `ast`.

`problems(path)` gives one line for each: line number, what is wrong, what to write instead. As a program:
`python -m slicer_runtime.lint FILE...` (needs slicer-core for the names of `slicer`).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from slicer_runtime import names, slicer_names

# What a module may import at file scope beside the standard library.
FILE_SCOPE = frozenset({"slicer", "qt", "ctk", "vtk", "numpy", "SimpleITK", "DICOMLib", "USDICOMizerLib", "USDICOMizerGUI"})
THREADS = frozenset({"threading", "_thread", "concurrent", "multiprocessing", "asyncio"})
ALLOWED = frozenset({"multiprocessing.spawn"})  # to say which interpreter workers of the command line are started with
_THREAD_CLASSES = frozenset({"QThread", "QThreadPool", "QRunnable"})
# They take what they are given without keeping it: an object made in the call is deleted at once.
_BORROWERS = frozenset(
    {"setItemDelegate", "setItemDelegateForColumn", "setModel", "setValidator", "installEventFilter", "setCompleter"}
)
_NEEDS_OWNER = frozenset({"QTimer", "QShortcut", "QDialog", "QProcess", "QFileSystemWatcher"})
_VIRTUAL_PREFIXES = ("Event", "eventFilter", "sizeHint")

Problem = tuple[int, str]


def _chain(node: ast.AST) -> tuple[str, ...]:
    """("qt", "QLabel", "NoFrame") of `qt.QLabel.NoFrame`; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def _is_toolkit_class(node: ast.AST) -> bool:
    chain = _chain(node)
    return len(chain) == 2 and chain[0] in ("qt", "ctk") and names.known(".".join(chain))


def _calls(node: ast.Call) -> Iterator[Problem]:
    function = node.func
    if _is_toolkit_class(function) and node.keywords:
        yield node.lineno, f"{ast.unparse(function)} takes no keyword arguments in PythonQt: set properties after it"
    if isinstance(function, ast.Attribute):
        if function.attr == "value" and any(keyword.arg == "type" for keyword in node.keywords):
            yield node.lineno, "QSettings.value takes no type: convert what it returns (slicer.util.toBool)"
        if function.attr == "connect" and node.args and isinstance(node.args[0], ast.Constant):
            signal = node.args[0].value
            if isinstance(signal, str) and "(" not in signal:
                yield node.lineno, f"connect({signal!r}) does nothing: write the signature, such as 'clicked(bool)'"
        if function.attr in _BORROWERS and node.args and isinstance(node.args[-1], ast.Call):
            yield node.lineno, f"{function.attr} keeps no reference, the object is deleted at once: store it on self first"
        if function.attr in ("setShortcut", "setKey") and node.args and isinstance(node.args[0], ast.Constant):
            yield node.lineno, f"{function.attr} takes qt.QKeySequence(text), not text"
    if isinstance(function, ast.Name) and function.id in ("isinstance", "issubclass") and len(node.args) == 2:
        kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
        if any(_is_toolkit_class(kind) for kind in kinds):
            yield node.lineno, f'{function.id} knows the exact class only in PythonQt: write .inherits("QWidget")'
    if _chain(function) == ("qt", "QShortcut") and node.args and isinstance(node.args[0], ast.Constant):
        yield node.lineno, "QShortcut takes qt.QKeySequence(text), not text"


def _attributes(node: ast.Attribute) -> Iterator[Problem]:
    chain = _chain(node)
    if not chain or chain[0] not in ("qt", "ctk", "slicer"):
        return
    written = ".".join(chain)
    if chain[0] == "slicer":
        known = slicer_names.package() if len(chain) == 2 else None
        if len(chain) == 3 and chain[1] == "util":
            known = slicer_names.util()
        if len(chain) == 3 and chain[1] == "app":
            known = slicer_names.APPLICATION | names.members("qt.QApplication")
        if known is not None and chain[-1] not in known:
            yield node.lineno, f"{written} does not exist in Slicer 5.12"
        return
    if len(chain) == 2:
        if chain[1] in _THREAD_CLASSES:
            yield node.lineno, f"{written}: threads starve inside Slicer; use a child process or a QTimer"
        elif not names.known(written) and written not in ("qt.Signal", "qt.Slot", "qt.Property"):
            yield node.lineno, f"{written} does not exist in PythonQt"
    elif len(chain) == 3:
        owner = ".".join(chain[:2])
        if names.known(owner) and chain[2] not in names.members(owner):
            yield node.lineno, f"{written} does not exist in PythonQt"
    elif len(chain) == 4 and names.known(".".join(chain[:2])) and chain[2][:1].isupper():
        if chain[3] in ("name", "value"):
            yield node.lineno, f"{written}: enums are integers in PythonQt; int(...) gives the number"
        else:
            yield node.lineno, f"{written}: write {chain[0]}.{chain[1]}.{chain[3]}, which every PythonQt has"


def _classes(node: ast.ClassDef) -> Iterator[Problem]:
    if not any(_is_toolkit_class(base) for base in node.bases):
        return
    for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        function = call.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
            of_super = isinstance(function.value.func, ast.Name) and function.value.func.id == "super"
            if of_super and function.attr != "__init__":
                base = ast.unparse(node.bases[0])
                yield (
                    call.lineno,
                    f"super().{function.attr} is an AttributeError in PythonQt: write {base}.{function.attr}(self, ...)",
                )
    if any(_chain(base)[0] == "ctk" for base in node.bases if _chain(base)):
        for method in (item for item in node.body if isinstance(item, ast.FunctionDef)):
            if method.name.endswith(_VIRTUAL_PREFIXES):
                yield method.lineno, f"{method.name} of a ctk widget's subclass is never called: subclass a Qt widget"


def _imports(tree: ast.Module) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        else:
            continue
        for root in (module.split(".")[0] for module in modules if module not in ALLOWED):
            if root in THREADS:
                yield (
                    node.lineno,
                    f"{root} has no place here: Slicer's main thread holds the lock; use a child process or a QTimer",
                )
            elif node in tree.body and root not in FILE_SCOPE and root not in sys.stdlib_module_names:
                yield node.lineno, f"{root} is imported at file scope: import it where it is used"


def _ownerless(function: ast.FunctionDef) -> Iterator[Problem]:
    """Timers, shortcuts and dialogs without a parent that only a local name holds, and that outlive no call."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        chain, target = _chain(node.value.func), node.targets[0]
        if len(chain) != 2 or chain[0] != "qt" or chain[1] not in _NEEDS_OWNER or not isinstance(target, ast.Name):
            continue
        if node.value.args and chain[1] != "QShortcut":
            continue
        if not _kept(function, target.id):
            yield node.lineno, f"{chain[1]} without an owner is deleted at once: keep it on self, or give it a parent"


def _kept(function: ast.FunctionDef, name: str) -> bool:
    """Whether a local name is stored, returned, handed on or run to its end."""
    for node in ast.walk(function):
        if isinstance(node, (ast.Return, ast.Assign)) and isinstance(node.value, ast.Name) and node.value.id == name:
            return True
        if isinstance(node, ast.Call):
            if any(isinstance(argument, ast.Name) and argument.id == name for argument in node.args):
                return True
            if _chain(node.func)[:1] == (name,) and _chain(node.func)[-1] in ("exec", "exec_", "waitForFinished"):
                return True
    return False


def _blockers(node: ast.With) -> Iterator[Problem]:
    for item in node.items:
        if isinstance(item.context_expr, ast.Call) and _chain(item.context_expr.func) == ("qt", "QSignalBlocker"):
            yield node.lineno, "QSignalBlocker is no context manager: wasBlocked = w.blockSignals(True)"


def problems(source: str) -> list[Problem]:
    """(line, words) for each habit in a source text that the application refuses, in order."""
    tree = ast.parse(source)
    found = list(_imports(tree))
    for node in ast.walk(tree):
        for kind, rule in (
            (ast.Call, _calls),
            (ast.Attribute, _attributes),
            (ast.ClassDef, _classes),
            (ast.FunctionDef, _ownerless),
            (ast.With, _blockers),
        ):
            if isinstance(node, kind):
                found.extend(rule(node))
    return sorted(set(found))


def main(paths: list[str]) -> int:
    """Print the problems of some files; 1 when there are any."""
    lines = [f"{path}:{line}: {words}" for path in paths for line, words in problems(Path(path).read_text(encoding="utf-8"))]
    print("\n".join(lines) or "nothing found")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
