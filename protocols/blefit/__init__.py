"""blefit: the Bluetooth characteristics of fitness machines, between octets and values.

Pure: nothing here reads a clock, a file or a radio. Every decoder takes any octets and returns a value or
raises `DecodeError`; every encoder takes any value it can say and raises ValueError for the others. Numbers
are integers in the units of the wire; `blefit.as_json` turns them into keys that carry their unit.
Source: Bluetooth SIG, Fitness Machine Service 1.0.1 and Profile 1.0, and what real treadmills send.
"""
