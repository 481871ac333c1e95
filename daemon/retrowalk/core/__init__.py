"""Pure decisions: time is an argument, nothing here waits, reads a clock or does IO."""
