"""Attribute access of Qt objects as PythonQt has it, put on PySide6's classes.

Qt properties are attributes (`label.text`, `table.rowCount`), a name that real PythonQt does not have raises, methods take
ints for enums and any value for text, lists come back as tuples, and a C++ object takes no new attributes.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets
from shibokensupport.signature import get_signature

from slicer_runtime import names, qt_signals

# Values PySide converts silently and PythonQt refuses: method -> (type that it must not get, what to write).
_REFUSED = {
    "setIcon": (QtGui.QPixmap, "qt.QIcon(pixmap)"),
    "setWindowIcon": (QtGui.QPixmap, "qt.QIcon(pixmap)"),
    "setShortcut": (str, "qt.QKeySequence(text)"),
    "setKey": (str, "qt.QKeySequence(text)"),
}
_ALIASES = {"exec_": "exec", "raise_": "raise_", "raise": "raise_", "print_": "print_", "name": "objectName"}


def is_native(cls: type) -> bool:
    """Whether a class stands for a C++ class: PySide's own, or a stand-in for CTK and Slicer."""
    return cls.__module__.split(".")[0] in ("PySide6", "shiboken6", "Shiboken") or "STANDS_FOR" in vars(cls)


@cache
def _python_names(cls: type) -> frozenset[str]:
    """Names that the module's own subclasses define."""
    return frozenset().union(*(vars(base) for base in cls.__mro__ if not is_native(base) and base is not object))


@cache
def allowed(cls: type) -> frozenset[str] | None:
    """The names that the application has for a class; None where the record knows no such class."""
    declared: set[str] = set()
    for base in cls.__mro__:
        stands_for = vars(base).get("STANDS_FOR")
        qualified = stands_for or f"qt.{base.__name__}"
        if is_native(base) and names.known(qualified):
            return names.members(qualified) | declared
        if stands_for:
            declared.update(name for name in vars(base) if not name.startswith("_"))
            declared.update(signature.split("(")[0] for signature in vars(base).get("SIGNATURES", ()))
    return None


@cache
def properties(cls: type) -> dict[str, QtCore.QMetaProperty]:
    """The Qt properties of a class; where PythonQt has a method of that name, the method is meant (QTimer.singleShot)."""
    meta = cls.staticMetaObject
    found = {meta.property(index).name(): meta.property(index) for index in range(meta.propertyCount())}
    for base in cls.__mro__:
        kinds = names.table().get(vars(base).get("STANDS_FOR") or f"qt.{base.__name__}")
        if kinds:
            return {
                name: value for name, value in found.items() if name not in kinds["methods"] - kinds["properties_enums_and_other"]
            }
    return found


class OpaqueFlags:
    """A flag property as it reads on Qt 6: good for handing on, not for comparing."""

    def __init__(self, name: str, value: Any) -> None:
        self._name, self.value = name, value

    def _refuse(self, *_: Any) -> Any:
        raise TypeError(f"the flags of {self._name} can't be compared or counted with on Qt 6: set them, don't read them")

    __eq__ = __ne__ = __int__ = __index__ = __and__ = __or__ = __bool__ = _refuse
    __hash__ = None


FLAG_PROPERTIES = frozenset({"alignment", "editTriggers", "standardButtons"})
_INTEGERS = frozenset({"int", "uint", "qlonglong", "qulonglong", "long"})


def _for_property(owner: type, name: str, prop: QtCore.QMetaProperty, value: Any) -> Any:
    """The value as the property takes it; ValueError for what PythonQt refuses or silently makes something else of."""
    kind = prop.typeName()
    if isinstance(value, OpaqueFlags):
        return value.value
    problem = f"Property '{name}' of {owner.__name__} does not accept {value!r}"
    if kind == "bool" and not isinstance(value, (bool, int, enum.Enum)):
        raise ValueError(f"{problem}: PythonQt takes its truth, True for 'false'; use slicer.util.toBool")
    if kind in _INTEGERS:
        if isinstance(value, float):
            return int(value)
        if not isinstance(value, (int, enum.Enum)):
            raise ValueError(problem)
    if kind in ("double", "float") and not isinstance(value, (int, float)):
        raise ValueError(problem)
    if kind == "QString":
        return value if isinstance(value, str) else str(value)
    if name in ("icon", "windowIcon") and isinstance(value, QtGui.QPixmap):
        raise ValueError(f"{problem}: write qt.QIcon(pixmap)")
    if kind == "QKeySequence" and isinstance(value, str):
        raise ValueError(f"{problem}: write qt.QKeySequence(text)")
    return list(value) if isinstance(value, tuple) else value


def _signatures(function: Any) -> list[inspect.Signature]:
    found = get_signature(function)
    return found if isinstance(found, list) else [found] if found else []


def _converted(function: Any, arguments: tuple[Any, ...]) -> list[list[Any]]:
    """The arguments as each overload would take them after PythonQt's conversions: int -> enum, anything -> text."""
    candidates = []
    for signature in _signatures(function):
        parameters = [p for p in signature.parameters.values() if p.name != "self"]
        changed = list(arguments)
        for index, (value, parameter) in enumerate(zip(arguments, parameters, strict=False)):
            wanted = parameter.annotation
            if isinstance(wanted, type) and issubclass(wanted, enum.Enum) and isinstance(value, int):
                changed[index] = wanted(value)
            elif wanted is str and not isinstance(value, str):
                changed[index] = str(value)
            elif wanted is int and isinstance(value, float):
                changed[index] = int(value)
            elif isinstance(value, tuple):
                changed[index] = list(value)
        if any(new is not old for new, old in zip(changed, arguments, strict=True)) and len(parameters) >= len(arguments):
            candidates.append(changed)
    return candidates


def _none_as_text(function: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """None becomes the text "None" where every overload wants text."""
    kinds = [[p.annotation for p in s.parameters.values() if p.name != "self"] for s in _signatures(function)]
    return tuple(
        "None" if value is None and kinds and all(index < len(kind) and kind[index] is str for kind in kinds) else value
        for index, value in enumerate(arguments)
    )


class Method:
    """A method of a Qt object: positional arguments, PythonQt's conversions, tuples for lists."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__, self._function = name, function

    def __call__(self, *arguments: Any) -> Any:
        refused = _REFUSED.get(self.__name__)
        if refused and arguments and isinstance(arguments[0], refused[0]):
            raise ValueError(f"{self.__name__} does not take {arguments[0]!r}: write {refused[1]}")
        if any(argument is None for argument in arguments):
            arguments = _none_as_text(self._function, arguments)
        try:
            result = self._function(*arguments)
        except TypeError as error:
            result = self._again(arguments, error)
        return tuple(result) if isinstance(result, list) else result

    def _again(self, arguments: tuple[Any, ...], error: TypeError) -> Any:
        for changed in _converted(self._function, arguments):
            try:
                return self._function(*changed)
            except (TypeError, ValueError):
                continue
        raise ValueError(f"Could not find matching overload for {self.__name__}{arguments!r}: {error}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self._function == other._function

    def __hash__(self) -> int:
        return hash(self._function)


class Absent:
    """A method that PySide has and PythonQt has not; C++ looks virtual methods up too, so the refusal waits for a call."""

    def __init__(self, cls: type, name: str) -> None:
        self._words = f"{cls.__name__} has no attribute named '{name}' in PythonQt"

    def __call__(self, *_: Any) -> Any:
        raise AttributeError(self._words)


def _get_object(self: QtCore.QObject, name: str) -> Any:
    """`QObject.__getattribute__` of PythonQt."""
    plain = qt_signals.plain_getattribute
    cls = type(self)
    if name[:2] == "__" or name in _python_names(cls):
        return plain(self, name)
    if name in ("connect", "disconnect"):
        return qt_signals.entry_points(self)[name]
    if name[:1] == "_" or name in ("staticMetaObject", "emit"):  # PySide itself asks for these
        return plain(self, name)
    name = _ALIASES.get(name, name)
    if not is_native(cls) and name in plain(self, "__dict__"):
        return plain(self, name)
    if name == "className":
        return lambda: QtCore.QObject.metaObject(self).className()
    if name == "help":
        return lambda: None
    if name == "delete":
        return lambda: shiboken6.delete(self)
    known = allowed(cls)
    if known is None or name in known or name == "raise_" or name == "exec":
        prop = properties(cls).get(name)
        if prop is not None:
            return _read_property(self, name, prop)
        try:
            value = plain(self, name)
        except AttributeError:
            return _dynamic(self, name)
        if isinstance(value, QtCore.SignalInstance):
            return qt_signals.BoundSignal(self, name, value)
        if inspect.isbuiltin(value):
            return Method(name, value)
        return value
    if inspect.isroutine(getattr(cls, name, None)):
        return Absent(cls, name)
    return _dynamic(self, name)


def _read_property(self: QtCore.QObject, name: str, prop: QtCore.QMetaProperty) -> Any:
    if name in ("sizeHint", "minimumSizeHint"):  # virtual: property() would come back here to look for an override
        return qt_signals.plain_getattribute(self, name)()
    value = QtCore.QObject.property(self, name)
    if name in FLAG_PROPERTIES and prop.isFlagType():
        return OpaqueFlags(name, value)
    return tuple(value) if isinstance(value, list) else value


def _dynamic(self: QtCore.QObject, name: str) -> Any:
    """A dynamic property or a child by its object name, as PythonQt finds them; AttributeError otherwise."""
    if name.encode() in [bytes(key.data()) for key in QtCore.QObject.dynamicPropertyNames(self)]:
        return QtCore.QObject.property(self, name)
    for child in QtCore.QObject.children(self):
        if QtCore.QObject.objectName(child) == name:
            return child
    raise AttributeError(f"{type(self).__name__} has no attribute named '{name}' in PythonQt")


def _set_object(self: QtCore.QObject, name: str, value: Any) -> None:
    """`QObject.__setattr__` of PythonQt."""
    cls = type(self)
    name = "objectName" if name == "name" else name
    if name[:1] == "_" or name in _python_names(cls) or isinstance(value, QtCore.SignalInstance):
        shiboken6.Object.__setattr__(self, name, value)
        return
    prop = properties(cls).get(name)
    known = allowed(cls)
    if prop is not None and (known is None or name in known):
        if not prop.isWritable():
            raise AttributeError(f"Property '{name}' of {cls.__name__} object is not writable")
        wanted = _for_property(cls, name, prop, value)
        if not QtCore.QObject.setProperty(self, name, wanted):
            plain = wanted.value if isinstance(wanted, enum.Enum) else wanted
            if plain is wanted or not QtCore.QObject.setProperty(self, name, plain):
                raise ValueError(f"Property '{name}' of {cls.__name__} does not accept an object of type {type(value).__name__}")
        return
    if name.encode() in [bytes(key.data()) for key in QtCore.QObject.dynamicPropertyNames(self)]:
        QtCore.QObject.setProperty(self, name, value)
        return
    if is_native(cls):
        raise AttributeError(
            f"'{name}' does not exist on {cls.__name__} and creating new attributes on C++ objects is not allowed"
        )
    shiboken6.Object.__setattr__(self, name, value)


def _value_access(cls: type) -> None:
    """Strict names for a class that is no QObject (QTableWidgetItem, QByteArray, QImage ...)."""
    plain, plain_set = cls.__getattribute__, cls.__setattr__

    def get(self: Any, name: str) -> Any:
        own = type(self)
        if name[:1] == "_" or not is_native(own) and (name in _python_names(own) or name in plain(self, "__dict__")):
            return plain(self, name)
        known = allowed(own)
        name = _ALIASES.get(name, name) if name != "name" else name
        if known is not None and name not in known:
            raise AttributeError(f"{own.__name__} has no attribute named '{name}' in PythonQt")
        value = plain(self, name)
        return Method(name, value) if inspect.isbuiltin(value) else value

    def set_(self: Any, name: str, value: Any) -> None:
        if is_native(type(self)) and not hasattr(type(self), name):
            raise AttributeError(f"creating new attributes on C++ objects is not allowed ({type(self).__name__}.{name})")
        plain_set(self, name, value)

    cls.__getattribute__, cls.__setattr__ = get, set_


def install() -> None:
    """Put this access on PySide6's classes; once a process."""
    QtCore.QObject.__getattribute__ = _get_object
    QtCore.QProcess.__getattribute__ = _get_object  # it has two bases, and so doesn't inherit the access of QObject
    for module in (QtCore, QtGui, QtWidgets):
        for cls in (getattr(module, name) for name in dir(module)):  # by name: PySide makes its classes when asked for
            if not isinstance(cls, type):
                continue
            if issubclass(cls, QtCore.QObject):
                cls.__setattr__ = _set_object
            elif cls.__module__.startswith("PySide6") and names.known(f"qt.{cls.__name__}") and not issubclass(cls, enum.Enum):
                try:
                    _value_access(cls)
                except TypeError:  # immutable types
                    continue
