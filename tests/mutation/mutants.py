"""Mutants of one module: what a slip of the keyboard, or of the mind, makes of it.

Made for code that decides: every check dropped or forced, every bound moved by one, every statement left out,
every argument forgotten. The text is changed in place, so a mutant reads like the code it came from. (What
cosmic-ray offers knows no `match`, of which the guard's review is made, and drops no statement and no check.)
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BOUNDARY = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")}
_ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
}
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_UNTOUCHED = (ast.Assert, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Pass)
"""Asserts and imports are the type checker's; a text for a person is no decision."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the octets `start` to `end` of the module become `text`."""

    start: int
    end: int
    text: str
    first_line: int
    last_line: int
    function: str
    """The outermost function whose body it changes; '' for what is run when the module is imported."""
    line: str
    """The source line that it begins in, without the space around it."""
    change: str
    """`this => that`: with function and line it names the mutant."""

    def applied(self, source: bytes) -> bytes:
        """The module with this change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(source: bytes) -> list[Mutant]:
    """All mutants of a module, in the order of the text, each once."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found), key=lambda m: (m.start, m.end, m.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._function = ""
        self._kept: set[ast.stmt] = set()
        """The only statement under an `if`, which is dropped by a condition that is never true; and a last
        `return ""`, for None says the same to who asks whether there is something."""

    # --- places -----------------------------------------------------------------------------------

    def _start(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]  # only statements and expressions come here

    def _end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]  # only statements and expressions come here

    def _text(self, start: int, end: int) -> str:
        return self._source[start:end].decode()

    def _add(self, start: int, end: int, text: str) -> None:
        first = self._source.count(b"\n", 0, start) + 1
        was = " ".join(self._text(start, end).split())
        if was != text:
            last = self._source.count(b"\n", 0, end) + 1
            line = self._lines[first - 1].decode().strip()
            mutant = Mutant(start, end, text, first, last, self._function, line, f"{was} => {text}")
            self.found.append(mutant)

    def _replace(self, node: ast.AST, text: str) -> None:
        self._add(self._start(node), self._end(node), text)

    def _between(self, left: ast.AST, right: ast.AST, was: str, becomes: str) -> None:
        """Change an operator, which has no place of its own."""
        start, end = self._end(left), self._start(right)
        at = re.search(rf"{re.escape(was)}(?=[^<>=*/]|$)", self._text(start, end))
        assert at is not None, self._text(start, end)
        self._add(start + at.start(), start + at.end(), becomes)

    # --- what is mutated --------------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, _UNTOUCHED):
            return
        if isinstance(node, ast.stmt) and self._function and self._may_be_dropped(node):
            self._replace(node, "pass")
        if isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse:
            self._kept.add(node.body[0])
        for test in _tests(node):
            self._replace(test, "True")
            self._replace(test, "False")
        super().visit(node)

    def _may_be_dropped(self, node: ast.stmt) -> bool:
        if node in self._kept:
            return False
        match node:
            case ast.Expr(ast.Constant()) | ast.Return(None | ast.Constant(None)):
                return False
            case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Return() | ast.Raise() | ast.Continue():
                return True
            case ast.AnnAssign(value=value):
                return value is not None
            case _:
                return isinstance(node, ast.Break | ast.Delete)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        for part in node.body:
            self.visit(part)
        self._scope.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outermost = not self._function
        if outermost:
            self._function = ".".join([*self._scope, node.name])
        match node.body[-1]:
            case ast.Return(ast.Constant(value)) if not value:
                self._kept.add(node.body[-1])
        for part in node.body:
            self.visit(part)
        if outermost:
            self._function = ""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip(
            [node.left, *node.comparators], node.ops, node.comparators, strict=False
        ):
            if type(operator) in _BOUNDARY:
                self._between(left, right, *_BOUNDARY[type(operator)])
            if isinstance(operator, ast.In | ast.NotIn) and isinstance(right, ast.Set | ast.Tuple):
                for one, other in zip(right.elts, right.elts[1:] + right.elts[:1], strict=True):
                    self._replace(one, ast.unparse(other))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for operand in node.values:
            self._replace(operand, "True" if isinstance(node.op, ast.And) else "False")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in _ARITHMETIC:
            self._between(node.left, node.right, *_ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in _ARITHMETIC:
            was, becomes = _ARITHMETIC[type(node.op)]
            self._between(node.target, node.value, f"{was}=", f"{becomes}=")
        self.visit(node.value)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub):
            self._add(self._start(node), self._start(node) + 1, "")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in _SWAPPED:
            self._replace(node.func, _SWAPPED[node.func.id])
        for keyword in node.keywords:
            if keyword.arg is not None:
                self._replace(keyword, "**{}")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool(value):
                self._replace(node, str(not value))
            case int(value) | float(value):
                self._replace(node, str(value + 1))
                self._replace(node, str(value - 1))


def _tests(node: ast.AST) -> Iterator[ast.expr]:
    """The conditions of a node. An operand of `and` or `or` is dropped instead, which says more."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield test
        case ast.comprehension(ifs=tests):
            yield from tests
        case ast.match_case(guard=ast.expr() as test):
            yield test
        case ast.Return(value=ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) as test):
            yield test
        case ast.Assign(value=ast.Compare() | ast.BoolOp() as test):
            yield test
        case ast.keyword(value=ast.Compare() | ast.BoolOp() as test):
            yield test
