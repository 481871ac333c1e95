"""The treadmill over Bluetooth: everything of the daemon that imports bleak."""
