"""The Jinja2 sandbox behind `templates`: which of its language is ours, and what bounds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from awo.workflow.names import CELL_NAMES, BadText, Names, did_you_mean
from awo.workflow.templates import LONGEST_RESULT, as_text, not_there

MOST_ROUNDS: Final = 100_000
DEEPEST: Final = 40
DEEPEST_LOOP: Final = 8

_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.ExprStmt)
# fmt: off
FILTERS: Final = frozenset({
        "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "indent", "int",
        "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
        "replace", "reverse", "round", "select", "selectattr", "sort", "string", "sum", "title", "tojson",
        "trim", "truncate", "unique", "upper", "wordcount",
})
_TEXT_METHODS: Final = frozenset({
        "capitalize", "count", "endswith", "find", "isalpha", "isdigit", "lower", "lstrip", "removeprefix",
        "removesuffix", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
})
# fmt: on
_MAPPING_METHODS: Final = frozenset({"get", "items", "keys", "values"})
_MAGIC: Final = frozenset({"self", "super", "caller", "varargs", "kwargs"})
_ROUNDS: Final = "rounds left"  # no template can spell a name with a space
_ERRORS_OF_VALUES = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError, MemoryError)


class _Environment(ImmutableSandboxedEnvironment):
    """Strict names, mappings whose keys win over methods, and bounded arithmetic on texts."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            undefined=StrictUndefined,
            finalize=_finalize,
            optimized=False,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.tests = {name: test for name, test in self.tests.items() if name.isidentifier()}
        self.globals = {"range": self.globals["range"]}
        ours = {"join": _join, "replace": _replace, "indent": _indent, "string": _finalize, "tojson": _to_json}
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.filters.update(ours)
        self.filters.update({_ROUNDS: _counted, "~": _concatenated})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            try:
                return obj[attribute]  # asked for once: it may be read from disk
            except KeyError:
                is_known = attribute in _MAPPING_METHODS
        elif isinstance(obj, str):
            is_known = attribute in _TEXT_METHODS
        else:
            is_known = isinstance(obj, (LoopContext, Undefined))
        if is_known:
            return super().getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and not isinstance(obj, Undefined):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, (str, list)) and isinstance(right, (str, list)):
            _check_length(len(left) + len(right))
            return left + right  # type: ignore[operator]
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            raise BadText(f"'{operator}' is for numbers", got=f"{_kind(left)} and {_kind(right)}")
        if operator == "**" and (abs(right) > 1000 or abs(left) > 1e6):
            raise BadText("a power is too large")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > 4096:
            raise BadText("a number is too large")
        return result


def _kind(value: Any) -> str:
    return {str: "text", list: "a list", dict: "a mapping", bool: "true or false", type(None): "null"}.get(
        type(value), "a number" if isinstance(value, (int, float)) else "something else"
    )


def _check_length(length: int) -> None:
    if length > LONGEST_RESULT:
        raise BadText(f"a text or list grows beyond {LONGEST_RESULT}")


def _finalize(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, Iterator):
        value = list(value)
    return as_text(value)


@pass_context
def _counted(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    left: list[int] = context.parent[_ROUNDS]
    for value in values:
        if not left[0]:
            raise BadText(f"the loops go round more than {MOST_ROUNDS} times")
        left[0] -= 1
        yield value


def _concatenated(*values: Any) -> str:
    texts = [_finalize(value) for value in values]
    _check_length(sum(map(len, texts)))
    return "".join(texts)


def _join(values: Iterable[Any], separator: str = "", attribute: str = "") -> str:
    texts, length = [], 0
    for value in values:
        inner = value[attribute] if attribute else value
        texts.append(_finalize(inner))
        length += len(texts[-1]) + len(separator)
        _check_length(length)
    return separator.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    text = _finalize(text)
    _check_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _indent(text: str, width: int = 4, first: bool = False) -> str:
    lines = _finalize(text).splitlines(keepends=True)
    _check_length(len(text) + len(lines) * width)
    return "".join(" " * width + line if line.strip() and (first or i) else line for i, line in enumerate(lines))


def _to_json(value: Any) -> str:
    return as_text([value])[1:-1]


class _Bounded(NodeTransformer):
    """Counts the rounds of every loop, and measures every `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _ROUNDS, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        first, *rest = node.nodes
        return nodes.Filter(first, "~", rest, [], None, None, lineno=node.lineno)


_environment = _Environment()


def parsed(text: str) -> nodes.Template:
    """The tree of a template, which holds nothing but our part of the language; else raises `BadText`."""
    try:
        tree = _environment.parse(text)
    except TemplateSyntaxError as error:
        got = _line_of(text, error.lineno)
        raise BadText("this template cannot be read", line=error.lineno, got=got, hint=_raw_hint(text)) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise BadText("this template cannot be read: it is nested too deeply or a number is too long") from error
    _check(tree, 0, 0)
    return tree


def _line_of(text: str, number: int) -> str:
    lines = text.splitlines()
    return repr(lines[number - 1].strip()[:60]) if 0 < number <= len(lines) else ""


def _raw_hint(text: str) -> str:
    return "put text that is no template between {% raw %} and {% endraw %}" if "{{" in text else ""


def _check(node: nodes.Node, depth: int, loops: int) -> None:
    if depth > DEEPEST:
        raise BadText("this template is nested too deeply", line=node.lineno)
    if isinstance(node, nodes.For):
        loops += 1
        if loops > DEEPEST_LOOP or node.recursive:
            raise BadText("loops are nested too deeply", line=node.lineno, expected=f"at most {DEEPEST_LOOP} levels")
    if isinstance(node, (nodes.Filter, nodes.Test)):
        kind, known = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", frozenset(_environment.tests))
        if node.name not in known:
            raise BadText(
                f"there is no {kind} called {node.name!r}",
                line=node.lineno,
                expected=", ".join(sorted(known)),
                hint=did_you_mean(node.name, known),
            )
    if not isinstance(node, (*_STATEMENTS, nodes.Expr, nodes.Helper)) or isinstance(node, nodes.NSRef):
        raise BadText(
            "templates have no such statement",
            line=node.lineno,
            expected="{{ … }}, {% for %}, {% if %}, {% set %}, {% raw %}",
            got=type(node).__name__.lower(),
        )
    for child in node.iter_child_nodes():
        _check(child, depth + 1, loops)


def names_of(tree: nodes.Template) -> Names:
    """What the template refers to. Raises `BadText` where `steps` stands without saying which step."""
    free = find_undeclared_variables(tree)
    found: _Found = {name: {} for name in ("inputs", "steps", *CELL_NAMES) if name not in CELL_NAMES or name in free}
    _collect(tree, found)
    unknown = free - {"inputs", "steps", *CELL_NAMES, *_environment.globals}
    unknown |= {node.name for node in tree.find_all(nodes.Name) if node.name in _MAGIC}
    return Names(
        inputs=tuple(found["inputs"]),
        steps=tuple(found["steps"]),
        unknown=tuple(sorted(unknown)),
        cell=tuple(name for name in _in_order_of_use(tree) if name in found),
        columns=tuple(found.get("item", ())),
        matrix=tuple(found.get("matrix", ())),
    )


_Found = dict[str, dict[str, None]]


def _in_order_of_use(tree: nodes.Template) -> dict[str, None]:
    return {node.name: None for node in tree.find_all(nodes.Name) if node.name in CELL_NAMES}


def _collect(node: nodes.Node, found: _Found) -> None:
    """Notes what the roots in `found` are followed by. A loop variable called `item` is no root, and not in `found`."""
    if isinstance(node, nodes.Name):
        if node.name == "steps" or (node.name == "inputs" and node.ctx != "load"):
            raise BadText(
                f"{node.name!r} must be followed by a name",
                line=node.lineno,
                expected="steps.ID, or steps['ID'] for an id with a hyphen",
            )
        if node.name in CELL_NAMES and node.name in found and node.ctx != "load":
            raise BadText(
                f"{node.name!r} means two things in this template",
                line=node.lineno,
                hint="give the variable another name",
            )
        return
    if isinstance(node, (nodes.Getattr, nodes.Getitem)) and isinstance(node.node, nodes.Name):
        name = node.attr if isinstance(node, nodes.Getattr) else _constant(node.arg)
        if name is not None and node.node.name in found and node.node.name != "repeat":
            found[node.node.name][name] = None
            return
    for child in node.iter_child_nodes():
        _collect(child, found)


def names_of_cells(tree: nodes.Template) -> tuple[tuple[str, str], ...]:
    """What follows `item.row.` and `item.matrix.`, each once; nothing where `item` is a variable of the template."""
    if "item" not in find_undeclared_variables(tree):
        return ()
    found: dict[tuple[str, str], None] = {}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        inner = node.node if isinstance(node, (nodes.Getattr, nodes.Getitem)) else node
        if not isinstance(inner, (nodes.Getattr, nodes.Getitem)) or not isinstance(inner.node, nodes.Name):
            continue
        part, name = _name_after(inner), _name_after(node)
        if inner.node.name == "item" and part in ("row", "matrix") and name and name not in _MAPPING_METHODS:
            found[part, name] = None
    return tuple(found)


def _name_after(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return _constant(node.arg) if isinstance(node, nodes.Getitem) else None


def _constant(node: nodes.Node) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None


@lru_cache(maxsize=128)
def _compiled(text: str) -> Template:
    tree = _Bounded().visit(parsed(text))
    try:
        return Template.from_code(_environment, _environment.compile(tree), _environment.make_globals(None))
    except (TemplateError, SyntaxError, RecursionError) as error:
        raise BadText("this template cannot be read") from error


def render(text: str, roots: Mapping[str, Any]) -> str:
    """The text filled in; `roots` is what references begin with.

    Raises `BadText`; never shows a value, since it may come from a model.
    """
    pieces: list[str] = []
    length = 0
    try:
        for piece in _compiled(text).generate({**roots, _ROUNDS: [MOST_ROUNDS]}):
            pieces.append(piece)
            length += len(piece)
            if length > LONGEST_RESULT:
                raise BadText(f"the text is longer than {LONGEST_RESULT} characters")
    except UndefinedError as error:
        name = next((n for n in (error.message or "").split("'")[::-1] if n.strip() and n in text), "")
        raise (not_there(name) if name else BadText("the template names something that is not there")) from error
    except TemplateError as error:
        raise BadText("the template asks for something that the sandbox does not allow") from error
    except BadText:
        raise
    except _ERRORS_OF_VALUES as error:
        raise BadText("a value does not fit what the template does with it", got=type(error).__name__) from error
    return "".join(pieces)
