"""MQTT: what is published, what is asked, over which broker."""
