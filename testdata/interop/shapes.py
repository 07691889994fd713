"""What payloads are made of: fields of many kinds, drawn at random."""

import dataclasses
import datetime
import decimal
import json
import uuid

START = datetime.datetime(2024, 1, 1)


def text(r):
    pieces = ["Åse", "Dvořák", "o'clock", 'a "quote"', "back\\slash", "tab\there", "line\nbreak", "✓", "🎈", "NULL", "1e5", " ", "日本", "</x>"]
    return "".join(r.choices(pieces, k=r.randrange(4)))


def word(r):
    return r.choice(["amber", "birch", "cedar", "dune", "émeraude", "flint", "größe"])


def naive(r):
    return START + datetime.timedelta(seconds=r.randrange(10**8), microseconds=r.choice([0, r.randrange(10**6)]))


def aware(r):
    zone = r.choice([datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=r.randint(-11, 13), minutes=r.choice([0, 30])))])
    return naive(r).replace(tzinfo=zone)


def unique(r):
    return uuid.UUID(int=r.getrandbits(128), version=4)


# The kinds of single values, and how one is drawn.
KINDS = {
    "integer": lambda r: r.randint(-(10**6), 10**6),
    "large": lambda r: r.choice([-1, 1]) * r.randint(2**53, 2**63 - 1),
    "float": lambda r: r.choice([r.uniform(-1e6, 1e6), r.uniform(0, 1e-7), float(r.randint(-9, 9)), 1e22]),
    "measure": lambda r: r.choice([r.randint(-(10**8), 10**8) / 10**4, 2.675, 0.125, -0.005, -0.004, 1e-7]),
    "cents": lambda r: r.randint(0, 10**7) / 100,
    "decimal": lambda r: decimal.Decimal(r.randint(-(10**9), 10**9)).scaleb(-2),
    "whole": lambda r: decimal.Decimal(r.randint(2**53, 2**63)),
    "boolean": lambda r: r.random() < 0.5,
    "text": text,
    "name": lambda r: " ".join(word(r) for _ in range(r.randint(2, 3))),
    "place": lambda r: r.choice(["CA, US", "VA, US", "Île-de-France, FR", "Ōsaka, JP"]),
    "article": lambda r: f"{r.choice(['SKU', 'BOX'])}-{r.randrange(1000):04}",
    "code": lambda r: r.choice("ABCD"),
    "digits": lambda r: str(r.randint(-(10**6), 10**6)),
    "uuid": unique,
    "uuid text": lambda r: r.choice([str, lambda u: u.hex, lambda u: str(u).upper()])(unique(r)),
    "time": aware,
    "time text": lambda r: aware(r).isoformat(),
    "naive": naive,
    "naive text": lambda r: naive(r).isoformat(),
    "day": lambda r: naive(r).strftime("%d.%m.%Y"),
    "seconds": lambda r: r.randrange(1_600_000_000, 1_800_000_000),
    "json": lambda r: json.dumps({"note": text(r), "tag": r.choice(["a\\/b", word(r)])}),
}

PLAIN = {"integer", "float", "measure", "cents", "boolean", "text", "name", "place", "article", "code", "digits", "day", "seconds"}
TIMES = {"time", "naive"}  # which pandas gives without their zone, or as numbers, where they stand in lists


@dataclasses.dataclass
class Leaf:
    kind: str
    nullable: bool = False

    def value(self, r):
        return None if self.nullable and r.random() < 0.2 else KINDS[self.kind](r)


@dataclasses.dataclass
class Object:
    members: dict
    reordered: bool = False  # a name has changed, which stays in its place for Backstory and goes to the end in Python

    def value(self, r):
        return {name: member.value(r) for name, member in self.members.items()}


@dataclasses.dataclass
class List:
    element: object

    def value(self, r):
        return [self.element.value(r) for _ in range(r.choice([0, 1, 1, 2, 3]))]


class Names:
    """Names that no other field of an event type has, some of them odd."""

    def __init__(self, r):
        self.r, self.count = r, 0
        self.special = r.sample(["data", "meta", "type", "it", "größe", "Amount", "class_", "position"], k=2)

    def plain(self):
        """A name that Python takes for one, as attributes have."""
        if self.special and self.r.random() < 0.2:
            return self.special.pop()
        self.count += 1
        return f"{self.r.choice(['amount', 'label', 'status', 'weight', 'owner', 'note', 'place'])}{self.count}"

    def any(self):
        """A name as a member of an object may have."""
        name = self.plain()
        return name + self.r.choice([".x", " x", "-x", '"x', "[0]", "ß"]) if self.r.random() < 0.15 else name


def draw(r, names):
    """Draws the fields of a new event type."""
    kinds = r.sample(list(KINDS), k=r.randint(6, 14))
    fields = {names.plain(): Leaf(kind, kind not in ("large", "whole") and r.random() < 0.25) for kind in kinds}
    if r.random() < 0.7:
        fields[names.plain()] = Object({names.any(): Leaf(kind) for kind in r.sample(list(KINDS), k=3)})
    if r.random() < 0.7:
        fields[names.plain()] = List(Object({names.any(): Leaf(kind) for kind in r.sample(sorted(KINDS.keys() - TIMES), k=4)}))
    if r.random() < 0.5:
        fields[names.plain()] = List(Leaf(r.choice(["integer", "text", "decimal", "cents", "uuid", "digits"])))
    return Object(fields)


