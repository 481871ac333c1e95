"""The flight recorder: what went into each control step and what came out, kept on disk and replayed."""
