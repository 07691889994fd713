"""The ways in which an event type changes from one version to the next.

Each is said twice: as the lines of Python that a developer writes into upcast_vX_vY, and as the
operations of Backstory that mean the same.
"""

import copy
import dataclasses
import json
import re

import shapes
from shapes import Leaf, List, Object

KEY = "interop, and no secret at all"


@dataclasses.dataclass
class Place:
    """An object that may change: where Python finds it, and the path that leads to it."""

    python: str
    path: list
    object: Object
    names: shapes.Names
    element: bool = False  # it is one of a list, or in one

    def at(self, name):
        return f"{self.python}[{name!r}]"

    def to(self, *names):
        """Gives the path to a member as operations write it."""
        parts = [*self.path, *names]
        return ".".join(quoted(part, first=i == 0) for i, part in enumerate(parts))

    def expression(self, name):
        steps = "".join(f".{n}" if re.fullmatch("[a-z_][a-z0-9_]*", n) else f"[{json.dumps(n, ensure_ascii=False)}]" for n in [*self.path, name])
        return ("it" if self.element else "data") + steps

    def fresh(self):
        return self.names.any() if self.path or self.element else self.names.plain()

    def pick(self, r, wanted=lambda member: True):
        """Picks a member by what it is, None where there is no such."""
        found = [name for name, member in self.object.members.items() if wanted(member)]
        return r.choice(found) if found else None

    def leaf(self, r, kinds, nullable=True):
        return self.pick(r, lambda m: isinstance(m, Leaf) and m.kind in kinds and (nullable or not m.nullable))


def quoted(name, first):
    if re.search(r'[.\[\]"]', name) or first and name in ("data", "meta", "$"):
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return name


def unless_null(p, name, value):
    """Gives the line that exchanges a value for another, of which v is the old one."""
    value = value.replace("{v}", p.at(name))
    return f"if {p.at(name)} is not None: {p.at(name)} = {value}"


def rename(r, p):
    old, new = p.pick(r), p.fresh()
    p.object.members[new] = p.object.members.pop(old)
    p.object.reordered = True
    return [f"{p.at(new)} = {p.at(old)}; del {p.at(old)}"], [{"rename": {p.to(old): quoted(new, first=False)}}]


def nest(r, p):
    names = r.sample(list(p.object.members), k=min(len(p.object.members), r.randint(1, 3)))
    new = p.fresh()
    inner = Object({r.choice([name, p.names.any()]): p.object.members.pop(name) for name in names})
    p.object.members[new] = inner
    lines = [f"{p.at(new)} = {{}}", *(f"{p.at(new)}[{to!r}] = {p.python}.pop({name!r})" for name, to in zip(names, inner.members))]
    return lines, [{"move": {p.to(name): p.to(new, to) for name, to in zip(names, inner.members)}}]


def unnest(r, p):
    name = p.pick(r, lambda m: isinstance(m, Object) and m.members)
    if not name:
        return None
    inner = p.object.members.pop(name)
    new = {member: p.fresh() for member in inner.members}
    p.object.members.update({new[member]: value for member, value in inner.members.items()})
    lines = [f"{p.at(to)} = {p.at(name)}[{member!r}]" for member, to in new.items()]
    return [*lines, f"del {p.at(name)}"], [{"move": {p.to(name, m): p.to(to) for m, to in new.items()}}, {"drop": [p.to(name)]}]


def duplicate(r, p):
    name, new = p.pick(r), p.fresh()
    p.object.members[new] = copy.deepcopy(p.object.members[name])
    return [f"{p.at(new)} = copy.deepcopy({p.at(name)})"], [{"copy": {p.to(name): p.to(new)}}]


def drop(r, p):
    if len(p.object.members) < 3:
        return None
    name = p.pick(r)
    del p.object.members[name]
    return [f"del {p.at(name)}"], [{"drop": [p.to(name)]}]


def keep(r, p):
    if p.path or p.element or len(p.object.members) < 6:
        return None
    left = r.sample(list(p.object.members), k=len(p.object.members) - 1)
    p.object.members = {name: p.object.members[name] for name in left}
    left.append("originator_topic")
    base = [*left, "timestamp", "originator_id", "originator_version"]
    return [f"for name in [n for n in state if n not in {base!r}]: del state[name]"], [{"keep": [p.to(n) for n in left]}]


def add(r, p):
    value, shape = r.choice([
        (0, Leaf("integer")), (1.5, Leaf("float")), ("none ✓", Leaf("text")), ("", Leaf("text")), (False, Leaf("boolean")), (None, Leaf("text", True)),
        ([], List(Leaf("text"))), ([1, 2], List(Leaf("integer"))), ({"unit": "kg", "per": {"n": 1}}, Object({"unit": Leaf("text"), "per": Object({"n": Leaf("integer")})})),
    ])  # fmt: skip
    new = p.fresh()
    p.object.members[new] = shape
    return [f"{p.at(new)} = {value!r}"], [{"default": {p.to(new): value}}]


def fill(r, p):
    name = p.pick(r, lambda m: isinstance(m, Leaf) and m.nullable and m.kind in ("integer", "text", "boolean", "float"))
    if not name:
        return None
    kind = p.object.members[name].kind
    value = {"integer": -1, "text": "unknown", "boolean": True, "float": 0.25}[kind]
    p.object.members[name] = Leaf(kind)
    return [f"if {p.at(name)} is None: {p.at(name)} = {value!r}"], [{"default": {p.to(name): value}}]


# From a kind to another: how Python makes the value, and what the operation cast names it. Python
# has decimals that are -0.00, and Backstory has one zero: that is what + 0 is for.
CASTS = [
    ("cents", "decimal", "Decimal(repr({v})).quantize(Decimal('0.01'))", {"decimal": [18, 2]}),
    ("measure", "decimal", "Decimal(repr({v})).quantize(Decimal('0.01'), ROUND_HALF_EVEN) + 0", {"decimal": [18, 2], "round": "half_even"}),
    ("measure", "decimal", "Decimal(repr({v})).quantize(Decimal('0.01'), ROUND_HALF_UP) + 0", {"decimal": [18, 2], "round": "half_up"}),
    ("integer", "decimal", "Decimal({v}).quantize(Decimal('0.01'))", {"decimal": [18, 2]}),
    ("large", "whole", "Decimal({v})", {"decimal": [38, 0]}),
    ("whole", "text", "str({v})", "string"),
    ("integer", "text", "str({v})", "string"),
    ("integer", "float", "float({v})", "float"),
    ("large", "text", "str({v})", "string"),
    ("float", "text", "repr({v})", "string"),
    ("decimal", "text", "str({v})", "string"),
    ("decimal", "float", "float({v})", "float"),
    ("boolean", "text", "str({v}).lower()", "string"),
    ("digits", "integer", "int({v})", "int"),
    ("uuid text", "uuid", "UUID({v})", "uuid"),
    ("uuid", "text", "str({v})", "string"),
    ("time text", "time", "datetime.fromisoformat({v})", "timestamp"),
    ("naive text", "naive", "datetime.fromisoformat({v})", "datetime"),
    ("naive text", "time", "datetime.fromisoformat({v}).replace(tzinfo=timezone.utc)", {"timestamp": {"zone": "UTC"}}),
    ("seconds", "time", "datetime.fromtimestamp({v}, timezone.utc)", {"timestamp": "seconds"}),
    ("time", "text", "{v}.isoformat()", "string"),
]


def cast(r, p):
    found = [c for c in CASTS if p.leaf(r, [c[0]]) and not (p.element and c[1] in shapes.TIMES)]
    if not found:
        return None
    source, kind, python, name = r.choice(found)
    field = p.leaf(r, [source])
    p.object.members[field] = Leaf(kind, p.object.members[field].nullable)
    return [unless_null(p, field, python)], [{"cast": {p.to(field): name}}]


def as_json(r, p):
    name = p.pick(r, json_only)
    if not name:
        return None
    p.object.members[name] = Leaf("text")
    return [f"{p.at(name)} = json.dumps({p.at(name)}, separators=(',', ':'), ensure_ascii=False)"], [{"cast": {p.to(name): "json"}}]


def json_only(shape):
    """Tells whether the text of an object or list must be the same: it holds nothing but what JSON has, in one order."""
    if isinstance(shape, Object) and shape.reordered:
        return False
    inner = list(shape.members.values()) if isinstance(shape, Object) else [shape.element] if isinstance(shape, List) else []
    return bool(inner) and all(m.kind in shapes.PLAIN if isinstance(m, Leaf) else json_only(m) for m in inner)


def exchange(r, p):
    table, other, kind = r.choice([
        ({"A": "active", "B": "blocked", "C": "closed"}, "something else", "text"),
        ({"A": 1, "B": 2, "C": 3, "D": 4}, None, "integer"),
    ])  # fmt: skip
    field = p.leaf(r, ["code"])
    if not field:
        return None
    p.object.members[field] = Leaf(kind, p.object.members[field].nullable)
    python = f"{table!r}.get({{v}}, {other!r})"
    return [unless_null(p, field, python)], [{"map": {p.to(field): {**table, "else": other} if other else table}}]


# From a kind of text to what it is taken into.
PARTS = [
    ("name", {"split": " ", "into": ["first", "last"]}, "dict(zip(['first', 'last'], {v}.split(' ', 1)))", ["first", "last"]),
    ("place", {"split": ", ", "into": ["region", "country"]}, "dict(zip(['region', 'country'], {v}.split(', ', 1)))", ["region", "country"]),
    ("article", {"regex": r"(?P<brand>[A-Z]+)-(?P<serial>\d+)"}, "re.fullmatch('(?P<brand>[A-Z]+)-(?P<serial>[0-9]+)', {v}).groupdict()", ["brand", "serial"]),
    ("json", {"json": True}, "json.loads({v})", ["note", "tag"]),
]  # fmt: skip


def take_apart(r, p):
    found = [c for c in PARTS if p.leaf(r, [c[0]], nullable=False)]
    if not found:
        return None
    kind, way, python, names = r.choice(found)
    field = p.leaf(r, [kind], nullable=False)
    inner = Object({name: Leaf("text") for name in names})
    if r.random() < 0.5:  # what the text is taken into stands beside it
        new = p.fresh()
        p.object.members[new] = inner
        return [f"{p.at(new)} = {python.replace('{v}', p.at(field))}"], [{"parse": {p.to(field): {**way, "as": p.to(new)}}}]
    p.object.members[field] = inner
    return [unless_null(p, field, python)], [{"parse": {p.to(field): way}}]


def read_date(r, p):
    field = p.leaf(r, ["day"])
    if not field or p.element:
        return None
    way, python, kind = r.choice([
        ({"date": "%d.%m.%Y"}, "datetime.strptime({v}, '%d.%m.%Y')", "naive"),
        ({"date": "%d.%m.%Y", "zone": "UTC"}, "datetime.strptime({v}, '%d.%m.%Y').replace(tzinfo=timezone.utc)", "time"),
    ])  # fmt: skip
    p.object.members[field] = Leaf(kind, p.object.members[field].nullable)
    return [unless_null(p, field, python)], [{"parse": {p.to(field): way}}]


def compute(r, p):
    new = p.fresh()
    a, b = p.leaf(r, shapes.PLAIN & {"text", "name", "code", "article"}, nullable=False), p.leaf(r, ["text", "place"], nullable=False)
    n, d = p.leaf(r, ["integer"], nullable=False), p.leaf(r, ["decimal"], nullable=False)
    o = p.pick(r, lambda m: isinstance(m, Leaf) and m.nullable and m.kind == "text")
    tags = p.pick(r, lambda m: isinstance(m, List))
    py, ex = p.at, p.expression
    options = [(repr("EUR"), '"EUR"', "text")]
    if a and b:
        options.append((f"{py(a)} + ': ' + {py(b)}", f'{ex(a)} + ": " + {ex(b)}', "text"))
    if n:
        options.append((f"{py(n)} * 3 - 1", f"{ex(n)} * 3 - 1", "integer"))
        options.append((f"'many' if {py(n)} > 100 else 'few'", f'{ex(n)} > 100 ? "many" : "few"', "text"))
    if n and d:
        options.append((f"{py(d)} * {py(n)} + 0", f"{ex(d)} * {ex(n)}", "decimal"))
    if o:
        options.append((f"'absent' if {py(o)} is None else {py(o)}", f'{ex(o)} ?? "absent"', "text"))
    if tags:
        options.append((f"len({py(tags)})", f"len({ex(tags)})", "integer"))
    python, expression, kind = r.choice(options)
    p.object.members[new] = Leaf(kind)
    return [f"{py(new)} = {python}"], [{"set": {p.to(new): expression}}]


def mask(r, p):
    field = p.leaf(r, ["text", "name", "integer", "article", "uuid", "decimal"])
    if not field:
        return None
    text = "str({v})"
    way, python = r.choice([
        ("hmac", f"hmac.new(KEY, {text}.encode(), 'sha256').hexdigest()[:32]"),
        ("redact", "'***'"),
        ({"partial": {"first": 1, "last": 2}}, f"partial({text}, 1, 2)"),
    ])  # fmt: skip
    p.object.members[field] = Leaf("text", p.object.members[field].nullable)
    return [unless_null(p, field, python)], [{"mask": {p.to(field): way}}]


def each(r, p):
    name = p.pick(r, lambda m: isinstance(m, List))
    if not name:
        return None
    inner, item = p.object.members[name], p.python.split("[")[0] + "_item"
    if isinstance(inner.element, Leaf):
        found = [c for c in CASTS if c[0] == inner.element.kind and c[1] not in shapes.TIMES]
        if not found:
            return None
        _, kind, python, to = r.choice(found)
        inner.element = Leaf(kind)
        return [f"{p.at(name)} = [{python.replace('{v}', item)} for {item} in {p.at(name)}]"], [{"each": {p.to(name): [{"cast": {"$": to}}]}}]
    lines, operations = some(r, Place(item, [], inner.element, p.names, element=True), r.randint(1, 2))
    return [f"for {item} in {p.at(name)}:", *("    " + line for line in lines)], [{"each": {p.to(name): operations}}]


CHANGES = [
    rename, nest, unnest, duplicate, drop, keep, add, fill, cast, cast, cast, cast, as_json, exchange, exchange,
    take_apart, take_apart, read_date, compute, mask, each, each,
]  # fmt: skip


def some(r, place, count):
    """Makes changes to an object or what is in it, and gives the lines and the operations that take its events along."""
    lines, operations = [], []
    while count:
        p = inside(r, place)
        made = r.choice(CHANGES)(r, p) if p.object.members else None
        if made:
            lines += made[0]
            operations += made[1]
            count -= 1
    return lines, operations


def inside(r, p):
    """Picks an object: mostly the outermost, sometimes one within."""
    name = p.pick(r, lambda m: isinstance(m, Object))
    if not name or r.random() < 0.7:
        return p
    return inside(r, dataclasses.replace(p, python=p.at(name), path=[*p.path, name], object=p.object.members[name]))
