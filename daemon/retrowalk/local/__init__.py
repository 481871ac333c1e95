"""How `retrowalk session` and the daemon talk: JSON lines on a Unix socket of this machine.

A client sends commands in the grammar of the MQTT command topic, with `treadmill` where there are several,
and two of its own, `status` and `watch`. The daemon answers with lines that have a `kind`: reply (the
contract's outcome of a command), state (the contract's live state) or event.
An act at the machine cannot be told here: a shell may be anywhere.
"""
