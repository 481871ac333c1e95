"""The characteristics of the Fitness Machine Service 1.0.1 that a treadmill has."""
