"""`retrowalk demo`: a whole session on a simulated treadmill, with nobody's hardware."""
