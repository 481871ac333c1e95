"""The treadmill as physics and rules: time is an argument, nothing here waits, sends or asks a clock."""
