"""Events upcast by rules in YAML, against what the library eventsourcing makes of them by classes in Python."""

import os
import random
import unittest

from eventsourcing.application import Application
from eventsourcing.cipher import AESCipher

import changes
import compare
import library
from backstory import Job
from histories import History


class Past(Application):
    """The application whose event classes changed."""


class Upcast(library.Case):
    """Fresh stores of random histories. The tests are made below, for each seed and store."""

    def history(self, seed, env, source):
        """Draws a history, and opens the application that writes it and the job that loads it."""
        h, key = History(seed), AESCipher.create_key(32)
        state = {}
        if h.r.random() < 0.4:
            env.update(library.ZLIB)
            state["compress"] = "zlib"
        if h.r.random() < 0.4:
            env.update(CIPHER_TOPIC="eventsourcing.cipher:AESCipher", CIPHER_KEY=key)
            state.update(cipher="aes-gcm", key="${env:CIPHER_KEY}")
        if state:
            source["state"] = state
        app = self.open(env, Past)
        secrets = {"CIPHER_KEY": key, "MASK_KEY": changes.KEY}
        return h, app, Job(self.work, source, secrets, mask={"key": "${env:MASK_KEY}"}, tables={"layout": "both"})

    def afterwards(self, seed, env, source):
        """The rules of today, and a history that is loaded in increments: all is as today's classes have it."""
        h, app, job = self.history(seed, env, source)
        job.configure(upcasters=h.rules(h.eras))
        for era in range(h.eras):
            h.write(app, era, h.r.choice([1, 10, 40, 120]))
            if era % 2 or era == h.eras - 1:
                job.run()
        h.enter(h.eras)
        compare.check(self, library.restored(app), job)

    def meanwhile(self, seed, env, source):
        """The rules of each era in their time: what is newer passes through until they change and all is rebuilt."""
        h, app, job = self.history(seed, env, source)
        for era in range(h.eras):
            h.write(app, era, h.r.choice([1, 10, 40]))
            if era:
                job.run()
            job.configure(upcasters=h.rules(era))
            job.do("rebuild", "shop")
            compare.check(self, library.restored(app), job)


def seeds():
    """Gives the seeds that the environment names, or else random ones. The names of the tests say which."""
    if given := os.environ.get("INTEROP_SEED"):
        return [int(seed) for seed in given.split()]
    return random.sample(range(10**6), k=6)


def add(way, seed, backend):
    def test(self):
        getattr(self, way)(seed, *getattr(self, backend)())

    setattr(Upcast, f"test_{way}_{backend}_{seed}", test)


for number, seed in enumerate(seeds()):
    add("afterwards", seed, "sqlite")
    add("afterwards", seed, "postgres")
    add("meanwhile", seed, ["sqlite", "postgres"][number % 2])


if __name__ == "__main__":
    unittest.main()
