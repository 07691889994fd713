"""Writes events in a process of its own, into the store that the environment names: python write.py SHIPMENTS"""

import os
import sys

from warehouse import Warehouse

app = Warehouse(env=dict(os.environ))
for n in range(int(sys.argv[1])):
    app.ship(n)
app.close()
