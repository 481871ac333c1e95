"""`make machines`: every machine is run, and the tables of docs/treadmills.md are written anew."""

import logging

import structlog
from tests.machines.table import write

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
write()
