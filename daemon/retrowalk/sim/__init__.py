"""The simulated treadmill: a pure model of the machine, a GATT server around it, a radio to reach it by."""
