"""The MQTT profiles that come with the program, one file each (docs/integrators.md says how to write another)."""
