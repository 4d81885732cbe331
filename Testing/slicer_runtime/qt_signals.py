"""Signals with PythonQt's habits: string signatures, strong references, `signal()` as emit.

Stricter than PythonQt where PythonQt is silent: a signal that does not exist, or a slot that needs more arguments than the
signal gives, raises at once instead of returning False or printing at the time of the signal.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore

from slicer_runtime import qt_errors

# Taken before qt_objects replaces it.
plain_getattribute = QtCore.QObject.__getattribute__
_plain_connect, _plain_disconnect = QtCore.QObject.connect, QtCore.QObject.disconnect

_SIGNATURE = re.compile(r"\s*(\w+)\s*\((.*)\)\s*")

# Connections by the address of the sender: (signature, slot as given, Qt's connection). Emptied when it is destroyed.
_connections: dict[int, list[tuple[str, Any, QtCore.QMetaObject.Connection]]] = {}


def normalised(specification: str) -> str:
    """A signature as Qt writes it, "clicked(bool)"; ValueError for a name without a signature."""
    if not isinstance(specification, str) or not _SIGNATURE.fullmatch(specification):
        raise ValueError(
            f"connect needs a signature such as 'clicked(bool)', not {specification!r}: PythonQt does not connect it"
        )
    return QtCore.QMetaObject.normalizedSignature(specification).data().decode()


def native_signatures(sender: QtCore.QObject) -> dict[str, str]:
    """Signatures as a module writes them -> as the stand-in's metaobject has them."""
    meta = QtCore.QObject.metaObject(sender)
    methods = (meta.method(index) for index in range(meta.methodCount()))
    signals = {m.methodSignature().data().decode() for m in methods if m.methodType() == QtCore.QMetaMethod.MethodType.Signal}
    written = {signature: signature for signature in signals}
    # A stand-in's own signals carry Python objects where the application's carry MRML nodes.
    for declared in getattr(type(sender), "SIGNATURES", ()):
        name = declared.split("(")[0]
        written[declared] = next(signature for signature in signals if signature.split("(")[0] == name)
    return {signature: native for signature, native in written.items() if "PyObject" not in signature}


def _accepted(slot: Callable[..., Any], given: int, signature: str) -> int:
    """How many of the `given` arguments the slot takes; ValueError when it needs more."""
    try:
        parameters = inspect.signature(slot).parameters.values()
    except (TypeError, ValueError):
        return given
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return given
    needed = sum(p.default is p.empty for p in positional)
    if needed > given:
        raise ValueError(f"{slot!r} needs {needed} arguments, {signature} gives {given}: PythonQt would not run the slot")
    return min(given, len(positional))


def _count(signature: str) -> int:
    inner = signature[signature.index("(") + 1 : -1]
    return len(inner.split(",")) if inner else 0


def _instance(sender: QtCore.QObject, native: str) -> Any:
    """PySide's signal for a native signature of a sender."""
    name, inner = native[:-1].split("(", 1)
    signal = plain_getattribute(sender, name)
    try:
        return signal[inner] if inner else signal
    except (IndexError, KeyError, TypeError):
        return signal


def connect(sender: QtCore.QObject, specification: str, target: Any, slot_name: str | None = None) -> bool:
    """QObject.connect as PythonQt has it: (signal, callable) or (signal, receiver, "slot(...)")."""
    signature = normalised(specification)
    known = native_signatures(sender)
    if signature not in known:
        name = signature.split("(")[0]
        similar = sorted(s for s in known if s.split("(")[0] == name) or sorted(known)
        raise ValueError(f"{type(sender).__name__} has no signal {signature}; it has {', '.join(similar)}")
    slot = target if slot_name is None else getattr(target, slot_name.split("(")[0])
    if not callable(slot):
        raise ValueError(f"{slot!r} can't be called")
    count = _accepted(slot, _count(signature), signature)
    called = qt_errors.guarded(lambda *arguments: slot(*arguments[:count]))
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _connections:
        _connections[address] = []
        plain_getattribute(sender, "destroyed").connect(lambda *_, address=address: _connections.pop(address, None))
    connection = _instance(sender, known[signature]).connect(called)
    _connections[address].append((signature, slot, connection))
    return True


def disconnect(
    sender: QtCore.QObject, specification: str | None = None, target: Any = None, slot_name: str | None = None
) -> bool:
    """Undo `connect`: of one slot, of all slots of a signal, or of all signals. False when nothing was connected."""
    wanted = None if specification is None else normalised(specification)
    slot = target if slot_name is None else getattr(target, slot_name.split("(")[0])
    known = native_signatures(sender)
    if wanted is not None and wanted not in known:
        raise ValueError(f"{type(sender).__name__} has no signal {wanted}")
    entries = _connections.get(shiboken6.getCppPointer(sender)[0], [])
    found = [entry for entry in entries if wanted in (None, entry[0]) and (slot is None or entry[1] == slot)]
    for entry in found:
        entries.remove(entry)
        _plain_disconnect(entry[2])
    return bool(found)


def entry_points(sender: QtCore.QObject) -> dict[str, Callable[..., Any]]:
    """`connect` and `disconnect` of one object; PySide's own SignalInstance comes in here too, with its codes ("2clicked")."""

    def either(ours: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            first = arguments[0] if arguments else None
            if isinstance(first, QtCore.QObject):
                return plain(*arguments)
            if isinstance(first, str) and first[:1] == "2":
                return plain(sender, *arguments)
            return ours(sender, *arguments)

        return call

    return {"connect": either(connect, _plain_connect), "disconnect": either(disconnect, _plain_disconnect)}


class BoundSignal:
    """`button.clicked`: connect, disconnect, emit; calling it emits too."""

    def __init__(self, sender: QtCore.QObject, name: str, instance: Any) -> None:
        self._sender, self._name, self._instance = sender, name, instance

    def _specification(self) -> str:
        return next(s for s in sorted(native_signatures(self._sender), key=len, reverse=True) if s.split("(")[0] == self._name)

    def connect(self, slot: Callable[..., Any]) -> bool:
        return connect(self._sender, self._specification(), slot)

    def disconnect(self, slot: Callable[..., Any] | None = None) -> bool:
        return disconnect(self._sender, self._specification(), slot)

    def emit(self, *arguments: Any) -> None:
        self._instance.emit(*arguments)

    __call__ = emit

    def __getitem__(self, arguments: Any) -> Any:
        return self._instance[arguments]
