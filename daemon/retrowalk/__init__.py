"""retrowalk: backward-walking sessions on Bluetooth treadmills, with enforced speed caps."""

__version__ = "0.1.0"
