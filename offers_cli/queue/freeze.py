"""Imported last by the process that workers are forked from: what was imported until then is nobody's garbage.

A collection in a worker would look at each of these objects and write into it, and so get its own copy of the memory
that all workers share.
"""

import gc

gc.collect()
gc.freeze()
