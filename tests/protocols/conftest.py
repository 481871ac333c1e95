"""How the property tests of this folder run."""

from hypothesis import HealthCheck, settings

# On a fresh machine the first text hypothesis draws builds its Unicode tables: a second, once.
settings.register_profile("wire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wire")
