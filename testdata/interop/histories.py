"""Histories of applications whose event classes changed: drawn at random, and said twice.

A history has eras. In each the developers have a module of event classes, with a class_version
and an upcast_vX_vY for every version before; and who exports has the rules of Backstory that
mean the same.
"""

import copy
import random
import sys
import types

from eventsourcing.utils import clear_topic_cache

import changes
import shapes

MODULE = """
import copy, hmac, json, re
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID
from eventsourcing.domain import Aggregate
from eventsourcing.utils import register_topic

KEY = {key!r}.encode()

def partial(text, first, last):
    hidden = len(text) - first - last
    return text[:first] + "*" * hidden + text[len(text) - last:] if hidden > 0 else "*" * len(text)

class Parcel(Aggregate):
    def __init__(self):
        pass
{classes}
{topics}
"""


class EventClass:
    """An event type: its names, and the shapes and upcasters of its versions."""

    def __init__(self, r, name, base, versions, eras):
        self.base = base
        self.begins = [0, *sorted(r.sample(range(1, eras), k=versions - 1))]  # the era in which a version comes
        names = shapes.Names(r)
        shape = shapes.draw(r, names)
        self.shapes, self.steps, self.names = [copy.deepcopy(shape)], [], [name]
        for v in range(1, versions):
            self.steps.append(changes.some(r, changes.Place("state", [], shape, names), r.randint(1, 5)))
            self.shapes.append(copy.deepcopy(shape))
            self.names.append(f"{name}{'Again' * v}" if base == "Event" and r.random() < 0.2 else self.names[-1])
        # For an era, a field may be written under a wrong name, and the same version.
        self.accident = None
        for v in range(1, versions):
            if self.begins[v] - self.begins[v - 1] > 1 and r.random() < 0.7:
                found = [name for name, member in self.shapes[v - 1].members.items() if may_be_missed(member)]
                if found:
                    self.accident = (v - 1, self.begins[v - 1] + 1, r.choice(found), names.plain())

    def version(self, era):
        """Gives the index of the version that is written in an era."""
        return sum(begin <= era for begin in self.begins) - 1

    def fields(self, era):
        """Gives the fields of the class in an era, by the names they are written under."""
        v = self.version(era)
        members = dict(self.shapes[v].members)
        if self.accident and self.accident[:2] == (v, era):
            members[self.accident[3]] = members.pop(self.accident[2])
        return members

    def python(self, era):
        """Gives the class as it stands in the module of an era."""
        version = self.version(era)
        lines = [f"class {self.names[version]}(Aggregate.{self.base}):", *(f"    {name}: Any" for name in self.fields(era))]
        if version:
            lines.append(f"    class_version = {version + 1}")
        for v, (step, _) in enumerate(self.steps[:version]):
            lines += ["    @staticmethod", f"    def upcast_v{v + 1}_v{v + 2}(state):"]
            if self.accident and self.accident[0] == v:
                _, _, right, wrong = self.accident
                lines.append(f"        if {wrong!r} in state: state[{right!r}] = state.pop({wrong!r})")
            lines += ["        " + line for line in step]
        return "\n".join("    " + line for line in lines)

    def topics(self, era):
        """Gives the older names that the class of an era goes by as well."""
        now = self.names[self.version(era)]
        return [(old, now) for old in dict.fromkeys(self.names[: self.version(era)]) if old != now]

    def rules(self, era):
        """Gives the rules of Backstory that are the upcasters of the class in an era."""
        found = []
        for v, (_, operations) in enumerate(self.steps[: self.version(era)]):
            event = f"Parcel.{self.names[v]}"
            if self.accident and self.accident[0] == v:
                _, _, right, wrong = self.accident
                at = changes.quoted(wrong, first=True)
                found.append({"event": event, "at": v + 1, "when": f'"{wrong}" in data', "do": [{"rename": {at: right}}]})
            if self.names[v + 1] != self.names[v]:
                operations = [*operations, {"retype": f"Parcel.{self.names[v + 1]}"}]
            found.append({"event": event, "from": v + 1, "do": operations})
        return found


def may_be_missed(member):
    """Tells whether a field may go by a wrong name for a while. Pandas reads integers as doubles where some are missing, which large ones do not fit."""
    return isinstance(member, shapes.Leaf) and not member.nullable and member.kind != "large"


class History:
    """A history drawn by a seed, the same for the same seed but for its ids and times."""

    def __init__(self, seed):
        self.seed, self.r = seed, random.Random(seed)
        r = self.r
        self.eras = r.randint(3, 6)
        self.classes = [EventClass(r, "Posted", "Created", r.randint(1, min(4, self.eras)), self.eras)]
        for name in ["Weighed", "Routed", "Opened"][: r.randint(1, 3)]:
            self.classes.append(EventClass(r, name, "Event", r.randint(2, min(4, self.eras)), self.eras))
        self.ids = []

    def python(self, era):
        """Gives the developers' module in an era."""
        topics = [f"register_topic('history:Parcel.{old}', Parcel.{new})" for c in self.classes for old, new in c.topics(era)]
        return MODULE.format(key=changes.KEY, classes="\n".join(c.python(era) for c in self.classes), topics="\n".join(topics))

    def rules(self, era):
        """Gives the upcasters of an era."""
        return [rule for c in self.classes for rule in c.rules(era)]

    def enter(self, era):
        """Puts the module of an era in the place of all before, as a new release does."""
        clear_topic_cache()
        module = sys.modules["history"] = types.ModuleType("history")
        exec(compile(self.python(era), f"<era {era} of seed {self.seed}>", "exec"), module.__dict__)
        return module

    def write(self, app, era, parcels):
        """Appends events: to new streams, and to some of those that older releases began."""
        parcel, (created, *others) = self.enter(era).Parcel, self.classes
        old = self.r.sample(self.ids, k=min(len(self.ids), 3 + parcels // 5))
        new = [self.begin(parcel, created, era) for _ in range(parcels)]
        self.ids += [p.id for p in new]
        both = [*new, *map(app.repository.get, old)]
        for p in both:
            for c in self.r.choices(others, k=self.r.randint(1, 4)):
                p.trigger_event(getattr(parcel, c.names[c.version(era)]), **self.draw(c, era))
        self.r.shuffle(both)
        for i in range(0, len(both), 20):
            app.save(*both[i : i + 20])

    def begin(self, parcel, created, era):
        return parcel._create(getattr(parcel, created.names[created.version(era)]), **self.draw(created, era))

    def draw(self, c, era):
        return {name: member.value(self.r) for name, member in c.fields(era).items()}
